//! An organization at a glance, as its home page shows it.

use serde::{Deserialize, Serialize};

use crate::kernel::Slug;

/// An organization at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverviewShow {
    /// Which.
    pub slug: Slug,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverviewView {
    /// What needs attention, the most pressing first.
    pub attention: Vec<Attention>,
    /// Sign-ins by day, the oldest day first.
    pub days: Vec<DayView>,
    /// How many sessions there are in it now.
    pub sessions: usize,
    /// There are more than were counted.
    pub more_sessions: bool,
    /// Whether an identity provider is set up for it.
    pub single_sign_on: bool,
    /// How many domains it has proved.
    pub domains: usize,
    /// Whether it has a token for provisioning.
    pub provisioning: bool,
}

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// Where it is seen to.
    pub page: AttentionPage,
    /// What it is, and what to do, in a sentence.
    pub text: String,
}

/// Where something is seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is a page's name")]
pub enum AttentionPage {
    SingleSignOn,
    Domains,
    SignIns,
    Provisioning,
    Members,
    People,
}

/// The sign-ins of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayView {
    /// The day in UTC, as 2026-11-27.
    pub date: String,
    /// How many were let in, or on to a further step.
    pub accepted: usize,
    /// How many were refused.
    pub refused: usize,
}
