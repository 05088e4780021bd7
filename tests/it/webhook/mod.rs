//! Webhooks through the running house: whichever door a change came through, the app hears of it, signed, and nothing is
//! lost.

mod app;
mod commands;
mod kill;
mod told;
