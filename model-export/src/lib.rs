//! From logs to a bundle: dataset, factors, towers, ranker, graphs, evaluation. One room per module;
//! the binary `upnext-export` is a thin command line over them.

pub mod towers;
