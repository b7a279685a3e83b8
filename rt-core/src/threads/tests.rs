mod core_map;
mod privilege;
mod run;
mod spec;
