//! The second factor: what its records promise when the process dies.

mod chromium;
mod emergency;
mod kill;
