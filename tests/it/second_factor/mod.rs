//! The second factor: what its records promise when the process dies.

mod kill;
