mod engineering;
mod group;
mod order;
mod sequences;
mod table;
mod watch;
