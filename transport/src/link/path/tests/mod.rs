mod bottleneck;
mod effects;
