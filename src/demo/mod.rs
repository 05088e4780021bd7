//! What `vestibule demo` puts around the product: companies with people, their identity provider, an app to protect.
//!
//! `people` says who there is; `identity_provider` signs them in, with answers that `response` writes and `encrypt`
//! seals; `sample_app` is the app behind the proxy, with `assertion_check` and `web_socket`; `page` holds their pages.
//! Tests use the identity provider too: its answers can be signed and encrypted in every way.

mod assertion_check;
mod encrypt;
pub mod identity_provider;
mod page;
pub mod people;
pub mod response;
pub mod sample_app;
mod web_socket;

pub use identity_provider::DemoIdentityProvider;
pub use people::{Company, Person, companies};
pub use response::{ResponseOptions, Signing};
pub use sample_app::sample_app;
