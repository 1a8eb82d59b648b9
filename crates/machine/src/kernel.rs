//! What the kernels have in common: who runs next among threads with priorities.

mod ready_queues;

pub use ready_queues::ReadyQueues;
