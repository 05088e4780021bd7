//! What pages of ours have in common, whoever serves them: headers and policies, forms, who sent them, what went wrong.

pub mod access_mails;
pub mod address;
pub mod age;
pub mod browser_name;
pub mod cookie;
pub mod edge;
pub mod form;
pub mod multipart;
pub mod page;
pub mod same_origin;
