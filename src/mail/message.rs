//! A queued mail as the mail server gets it (RFC 5322): plain text, the same Message-ID however often it is sent.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::address::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};

use crate::directory::outbox::QueuedMail;
use crate::kernel::Timestamp;

/// Who our mail comes from: `Vestibule <sign-in@example.com>`, or an address alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// Not an address, with or without a name in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASender;

impl FromStr for Sender {
    type Err = NotASender;

    fn from_str(text: &str) -> Result<Self, NotASender> {
        if text.chars().any(char::is_control) {
            return Err(NotASender);
        }
        text.parse().map(Sender).map_err(|_| NotASender)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sender({})", self.0)
    }
}

impl Sender {
    /// The address that a mail server hears in MAIL FROM.
    pub(super) const fn address(&self) -> &Address {
        &self.0.email
    }
}

/// A mail that can't be put into words: ours, since addresses and subjects were read before they were queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

/// What is sent after DATA, and to whom.
pub struct Written {
    /// To whom.
    pub to: Address,
    /// Head and body.
    pub bytes: Vec<u8>,
}

/// Writes `queued` as a message; `site` makes its Message-ID unique in the world.
pub fn write(queued: &QueuedMail, from: &Sender, site: &str) -> Result<Written, Unwritable> {
    let to: Address = queued.mail.to.as_str().parse().map_err(|_| Unwritable)?;
    let message = head(queued, from, site)
        .to(Mailbox::new(None, to.clone()))
        .header(ContentType::TEXT_PLAIN)
        .body(queued.mail.text.expose().to_owned())
        .map_err(|_| Unwritable)?;
    Ok(Written { to, bytes: message.formatted() })
}

fn head(queued: &QueuedMail, from: &Sender, site: &str) -> MessageBuilder {
    let raw =
        |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    Message::builder()
        .from(from.0.clone())
        .subject(queued.mail.subject.clone())
        .message_id(Some(format!("<{}@{site}>", queued.id)))
        .date(system_time(queued.queued))
        // RFC 3834 §5: nobody's absence note answers it.
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"))
}

fn system_time(moment: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Mail;
    use crate::kernel::MailId;

    #[test]
    fn a_message_is_plain_and_says_who_wrote_it() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let mail = Mail::new(&"ada@acme.example".parse().unwrap(), "Grüße\r\nBcc: eve@evil.example", "Hello\n.\nÜ\n");
        let id = MailId::from_bytes([7; 16]);
        let queued = QueuedMail { id, mail, queued: now, not_after: now, due: now, attempts: 1 };
        let from: Sender = "Vestibule <sign-in@app.example>".parse().unwrap();
        let written = write(&queued, &from, "app.example").unwrap();
        assert_eq!(written.to.to_string(), "ada@acme.example");
        let text = String::from_utf8(written.bytes).unwrap();
        for line in [
            "From: Vestibule <sign-in@app.example>\r\n",
            "To: ada@acme.example\r\n",
            "Message-ID: <07070707-0707-0707-0707-070707070707@app.example>\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for good in ["sign-in@app.example", "Vestibule <sign-in@app.example>", "\"Acme, Inc\" <a@app.example>"] {
            assert!(good.parse::<Sender>().is_ok(), "{good}");
        }
        for wrong in ["", "Vestibule", "a@b@c", "a@app.example\r\nBcc: e@evil.example", "<>"] {
            assert!(wrong.parse::<Sender>().is_err(), "{wrong:?}");
        }
    }
}
