//! The one integration binary: a module for each thing that is promised.
