//! One function a target; each takes any bytes and panics only where something is wrong.
