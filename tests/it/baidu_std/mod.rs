//! baidu_std: bRPC's recorded clients, hand-made ones, and methods of every kind behind it.

mod access;
mod calls;
pub(crate) mod demo;
mod life;
mod recorded;
