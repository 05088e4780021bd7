//! `sso` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::kernel::Slug;

/// `sso`
#[derive(Debug, Subcommand)]
pub enum Sso {
    /// What to type at the identity provider, and what is set of it
    #[command(after_help = "Example:\n  vestibule sso show acme")]
    Show {
        /// Which organization
        slug: Slug,
    },
    /// Set the identity provider: from its metadata, a file or an address, or by hand. Replaces all its certificates
    #[command(after_help = "Examples:\n  vestibule sso set acme --metadata okta-metadata.xml\n  \
        vestibule sso set acme --metadata https://acme.okta.com/app/exk1/sso/saml/metadata\n  \
        vestibule sso set acme --issuer http://www.okta.com/exk1 --sign-in-url https://acme.okta.com/app/x/sso/saml \
        --certificate okta.cert")]
    Set(Box<Set>),
    /// The identity provider's signing certificates: several may verify, for rollovers
    #[command(subcommand)]
    Certificate(Certificate),
    /// Read the metadata at its address now, and follow what it says
    #[command(after_help = "Example:\n  vestibule sso refresh acme")]
    Refresh {
        /// Which organization
        slug: Slug,
        /// Do not read it any more instead; what is set stays
        #[arg(long)]
        forget: bool,
    },
    /// Remove single sign-on: sessions that it made end. Refused where somebody relies on it
    #[command(after_help = "Example:\n  vestibule sso remove acme")]
    Remove {
        /// Which organization
        slug: Slug,
    },
    /// Verify a saved SAMLResponse as if it came now, and show each check; changes nothing
    #[command(after_help = "Example:\n  vestibule sso test acme response.txt --at 2026-11-22T10:15:00Z")]
    Test {
        /// Which organization
        slug: Slug,
        /// The response: XML, base64 as the browser posts it, or a form body
        file: PathBuf,
        /// Judge it as of this moment, since a response is good for minutes alone
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// What a certificate file is, or what is wrong with it; needs no server
    CheckCertificate {
        /// The file
        file: PathBuf,
    },
    /// What a metadata file holds, or what is wrong with it; needs no server
    CheckMetadata {
        /// The file
        file: PathBuf,
    },
}

/// `sso set`
#[derive(Debug, Args)]
#[group(skip)]
pub struct Set {
    /// Which organization
    pub slug: Slug,
    /// The identity provider's metadata: a file, or its https address, which the server reads now and again each day
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["issuer", "sign_in_url", "certificate"])]
    pub metadata: Option<String>,
    /// The identity provider's entity ID
    #[arg(long, value_name = "ENTITY_ID")]
    pub issuer: Option<String>,
    /// Where sign-in requests go
    #[arg(long, value_name = "URL")]
    pub sign_in_url: Option<String>,
    /// A signing certificate; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub certificate: Vec<PathBuf>,
    /// Where logout requests go
    #[arg(long, value_name = "URL")]
    pub sign_out_url: Option<String>,
    /// How sign-in requests travel
    #[arg(long)]
    pub binding: Option<BindingWord>,
    /// Sign sign-in requests
    #[arg(long, value_name = "true|false")]
    pub sign_requests: Option<bool>,
    /// Refuse assertions that come unencrypted
    #[arg(long, value_name = "true|false")]
    pub require_encryption: Option<bool>,
    /// Accept SHA-1 signatures: for identity providers that can't do better
    #[arg(long, value_name = "true|false")]
    pub allow_sha1: Option<bool>,
    /// Clock skew granted, 0 to 300
    #[arg(long, value_name = "SECONDS")]
    pub skew: Option<u16>,
    /// The attribute with the e-mail address
    #[arg(long, value_name = "NAME")]
    pub email_attribute: Option<String>,
    /// The attribute with the given name
    #[arg(long, value_name = "NAME")]
    pub first_name_attribute: Option<String>,
    /// The attribute with the family name
    #[arg(long, value_name = "NAME")]
    pub last_name_attribute: Option<String>,
}

impl Set {
    /// Whether the identity provider is named whole: by its metadata, or by hand.
    pub fn names_the_idp(&self) -> bool {
        let by_hand = self.issuer.is_some() && self.sign_in_url.is_some() && !self.certificate.is_empty();
        self.metadata.is_some() || by_hand
    }
}

/// A binding, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BindingWord {
    /// HTTP-Redirect
    Redirect,
    /// HTTP-POST
    Post,
}

/// `sso certificate`
#[derive(Debug, Subcommand)]
pub enum Certificate {
    /// Add a certificate beside those there are
    #[command(after_help = "Example:\n  vestibule sso certificate add acme next.pem")]
    Add {
        /// Which organization
        slug: Slug,
        /// The file
        file: PathBuf,
    },
    /// The certificates
    List {
        /// Which organization
        slug: Slug,
    },
    /// Remove a certificate; the last one stays
    #[command(after_help = "Example:\n  vestibule sso certificate remove acme 5f3c9a01")]
    Remove {
        /// Which organization
        slug: Slug,
        /// Its SHA-256, or the beginning of it (at least 6 digits)
        sha256: String,
    },
}
