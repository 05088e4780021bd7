//! Organizations, the domains they claim, their single sign-on, users and members: who is who.

pub mod sso;
