//! Just enough HTML to walk through the forms of a sign-in: the first form of a page and its fields.

/// A form as a browser would send it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it goes, as written in the page.
    pub action: String,
    /// The names and values of its inputs.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page.
    pub fn first(page: &str) -> Form {
        let start = page.find("<form").unwrap_or_else(|| panic!("a form in {page}"));
        let form = &page[start..start + page[start..].find("</form>").expect("an end of the form")];
        let action = attribute(&form[..form.find('>').expect("a tag")], "action").unwrap_or_default();
        let inputs = form.split("<input").skip(1).filter_map(|rest| {
            let tag = &rest[..rest.find('>')?];
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        });
        Form { action, fields: inputs.collect() }
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Types `value` into the field `name`.
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Form {
        self.fields.retain(|(found, _)| found != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(unescape(&rest[..rest.find('"')?]))
}

fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#039;", "'")];
    named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).replace("&amp;", "&")
}

#[test]
fn a_form_is_read_as_a_browser_would_send_it() {
    let page = r#"<p><form method="post" action="/go?a=1&amp;b=2"><input type="hidden" name="x" value="&lt;y&#34;">
        <input name="user" autofocus><input type="submit"></form>"#;
    let form = Form::first(page).fill("user", "ada");
    assert_eq!(form.action, "/go?a=1&b=2");
    assert_eq!((form.value("x"), form.value("user")), (Some("<y\""), Some("ada")));
}
