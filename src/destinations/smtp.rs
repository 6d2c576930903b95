//! One mail to the operator's mail server: connect, greet, encrypt, log in, send, quit. A connection for each mail; there
//! are few of them, and none goes stale.

use super::{
    delivery::{DeliveryError, Reachable},
    problem::DestinationProblem,
    sanitize::redacted_detail,
    settings_reader::{SettingsReader, same_secret},
};
use crate::yaml::{Key, LazySchema, Node, Schema, ValueType};
use base64::{Engine, engine::general_purpose::STANDARD};
use lettre::{
    address::Envelope,
    message::Mailbox,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, future::Future, path::PathBuf, time::Duration};
use url::{Host, Url};

/// The mail server that notices leave through.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// `smtps://user:password@host` (TLS, port 465), `smtp://host?tls=required` (STARTTLS, port 587) or `smtp://host`
    /// (not encrypted, port 25). User and password are percent-encoded.
    pub url: SecretString,
    /// The sender, `a@b` or `Name <a@b>`.
    pub from: String,
    /// A file with certificates (PEM) that are trusted besides the platform's, for a mail server with its own authority.
    pub ca_file: Option<PathBuf>,
}

impl PartialEq for SmtpSettings {
    fn eq(&self, other: &Self) -> bool {
        same_secret(Some(&self.url), Some(&other.url)) && (&self.from, &self.ca_file) == (&other.from, &other.ca_file)
    }
}

/// The keys of `smtp`.
pub static SMTP_SCHEMA: LazySchema = LazySchema::new(|| {
    Schema::new(
        "smtp",
        "The mail server.",
        [
            Key::new(
                "url",
                ValueType::Matching(r"^\s*[Ss][Mm][Tt][Pp][Ss]?:".to_owned()),
                "smtps:// for TLS, smtp://…?tls=required for STARTTLS, smtp:// for neither; user and password \
                 percent-encoded.",
            )
            .required()
            .example("smtps://user:${SMTP_PASSWORD}@smtp.acme.example"),
            Key::new("from", ValueType::NonBlankText, "The sender: a@b.example, or Name <a@b.example>.")
                .required()
                .example("Reply Router <router@acme.example>"),
            Key::new(
                "ca_file",
                ValueType::NonBlankText,
                "A file with certificates (PEM) that are trusted besides the system's.",
            ),
        ],
    )
});

impl SmtpSettings {
    /// Reads `smtp`; `None` where it cannot be used, which is reported.
    pub fn read(node: &Node, reader: &mut dyn SettingsReader) -> Option<Self> {
        let fields = node.fields(&SMTP_SCHEMA, reader.out())?;
        let url = fields.required("url", reader.out()).and_then(|node| reader.secret(node));
        let from = fields.required("from", reader.out()).and_then(|node| node.non_empty_string(reader.out()));
        let ca_file = match fields.non_null("ca_file") {
            Some(node) => Some(reader.path(node)?),
            None => None,
        };
        Some(Self { url: url?, from: from?, ca_file })
    }
}

/// For connecting, and for everything together: servers may think a while before they accept a mail.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    Tls,
}

struct Login {
    user: String,
    password: SecretString,
}

impl Login {
    /// The password in every form in which it is sent, so that an answer that repeats one is not shown.
    fn spellings(&self) -> [String; 3] {
        let password = self.password.expose_secret();
        let plain = STANDARD.encode(format!("\0{}\0{password}", self.user));
        [password.to_owned(), STANDARD.encode(password), plain]
    }
}

/// The mail server, ready to be connected to.
pub(super) struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<TlsParameters>,
    login: Option<Login>,
    connect_limit: Duration,
    time_limit: Duration,
    pub(super) from: Mailbox,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

impl Smtp {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, DestinationProblem> {
        let wrong = |why: &str| DestinationProblem::Url { key: "url", why: why.to_owned() };
        let from = settings
            .from
            .trim()
            .parse::<Mailbox>()
            .map_err(|_| DestinationProblem::Mailbox { key: "from", value: settings.from.clone() })?;
        let url = Url::parse(settings.url.expose_secret().trim())
            .map_err(|_| wrong("write smtps://user:password@host, with special characters percent-encoded"))?;
        let host = match url.host() {
            // `smtp` is no scheme of the web, so numbers are not recognised as such; they need no resolving either way.
            Some(Host::Domain(name)) if !name.is_empty() => percent_decoded(name).ok_or_else(|| wrong("the host"))?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(wrong("it names no host")),
        };
        let mut encryption = match url.scheme() {
            "smtps" => Encryption::Tls,
            "smtp" => Encryption::None,
            _ => return Err(wrong("it must begin with smtps:// or smtp://")),
        };
        for (key, value) in url.query_pairs() {
            match (&*key, &*value, encryption) {
                ("tls", "required", Encryption::None) => encryption = Encryption::StartTls,
                ("tls", "required", _) => {}
                _ => return Err(wrong("the only option is `?tls=required`")),
            }
        }
        let port = url.port().unwrap_or(match encryption {
            Encryption::None => 25,
            Encryption::StartTls => 587,
            Encryption::Tls => 465,
        });
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                let decoded = |text| percent_decoded(text).ok_or_else(|| wrong("user or password is not UTF-8"));
                Some(Login { user: decoded(user)?, password: decoded(password)?.into() })
            }
            _ => return Err(wrong("a user needs a password, and a password a user: smtps://user:password@host")),
        };
        let tls = match encryption {
            Encryption::None => None,
            _ => Some(tls(&host, settings)?),
        };
        Ok(Self { host, port, encryption, tls, login, connect_limit: CONNECT_TIMEOUT, time_limit: TIMEOUT, from })
    }

    /// The same with another limit, for connecting and for everything together.
    pub(super) fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { connect_limit: time_limit, time_limit, ..self }
    }

    /// Sends one mail. After an error that may be retried it may have been accepted all the same.
    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<u16, DeliveryError> {
        self.bounded(async {
            let mut connection = self.connect().await?;
            let answer = connection.send(envelope, mail).await.map_err(|error| self.failed(&error, "the mail"))?;
            // It is accepted; a server that cannot say goodbye changes nothing.
            let _ = connection.quit().await;
            Ok(u16::from(answer.code()))
        })
        .await
    }

    /// Greets, encrypts, logs in and says goodbye.
    pub(super) async fn check(&self) -> Result<Reachable, DeliveryError> {
        self.bounded(async {
            let mut connection = self.connect().await?;
            let encrypted = connection.is_encrypted();
            let _ = connection.quit().await;
            let how = if encrypted { "over TLS" } else { "without encryption" };
            let login = if self.login.is_some() { "accepts the login" } else { "asks for no login of ours" };
            Ok(Reachable { text: format!("{} answers {how} and {login}; no mail was sent", self.place()) })
        })
        .await
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, DeliveryError>>) -> Result<T, DeliveryError> {
        tokio::time::timeout(self.time_limit, work).await.unwrap_or_else(|_| {
            let seconds = self.time_limit.as_secs();
            Err(DeliveryError::unreachable(format!("{} did not answer within {seconds} s", self.place())))
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let hello = ClientId::default();
        let wrapper = self.tls.clone().filter(|_| self.encryption == Encryption::Tls);
        let place = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(self.connect_limit), &hello, wrapper, None)
                .await
                .map_err(|error| self.failed(&error, "the greeting"))?;
        if let (Encryption::StartTls, Some(tls)) = (self.encryption, self.tls.clone()) {
            if !connection.can_starttls() {
                return Err(DeliveryError::refused(format!(
                    "{} offers no STARTTLS, so nothing was sent; use smtps:// or another port",
                    self.place()
                )));
            }
            connection.starttls(tls, &hello).await.map_err(|error| self.failed(&error, "STARTTLS"))?;
        }
        if let Some(login) = &self.login {
            let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
            if let Err(error) = connection.auth(DEFAULT_MECHANISMS, &credentials).await {
                let error = self.failed(&error, "the login");
                // Whatever the code, a final no to the login is about who we are.
                return Err(match error.retry {
                    false => DeliveryError { reason: crate::model::ReasonCode::Unauthorized, ..error },
                    true => error,
                });
            }
        }
        Ok(connection)
    }

    /// 4xx, silence and broken connections may be tried again; 5xx and what the server does not offer may not.
    fn failed(&self, error: &SmtpError, step: &str) -> DeliveryError {
        let place = self.place();
        let detail = std::error::Error::source(error).map(|cause| cause.to_string()).unwrap_or_default();
        let secrets = self.login.as_ref().map(Login::spellings).unwrap_or_default();
        let detail = redacted_detail(&detail, &secrets.iter().map(String::as_str).collect::<Vec<_>>())
            .map(|detail| format!(": {detail}"))
            .unwrap_or_default();
        if let Some(code) = error.status() {
            let status = u16::from(code);
            let text = format!("{place} refused {step} ({status}){detail}");
            return match status {
                400..=499 => DeliveryError::refused(text).retryable(None),
                530 | 534 | 535 | 538 => {
                    DeliveryError::unauthorized(format!("{text}; check the user and password in `smtp.url`"))
                }
                _ => DeliveryError::refused(text),
            }
            .status(status);
        }
        if error.is_client() {
            return DeliveryError::refused(format!("{place} does not offer what {step} needs{detail}"));
        }
        if error.is_tls() {
            return DeliveryError::unreachable(format!("{place}: no trusted TLS connection{detail}"));
        }
        if error.is_response() {
            return DeliveryError::unreachable(format!("{place} did not answer {step} properly{detail}"));
        }
        DeliveryError::unreachable(format!("{place} cannot be reached{detail}"))
    }

    fn place(&self) -> String {
        format!("the mail server {}:{}", self.host, self.port)
    }
}

fn tls(host: &str, settings: &SmtpSettings) -> Result<TlsParameters, DestinationProblem> {
    let unusable = |_| DestinationProblem::Url { key: "url", why: "its host cannot be used for TLS".to_owned() };
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &settings.ca_file {
        let wrong = |why: String| DestinationProblem::CaFile { path: path.display().to_string(), why };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| wrong("it holds no certificate in PEM".to_owned()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(unusable)
}

/// Undoes percent-encoding; `None` if the result is not UTF-8. A `%` without two digits stays.
fn percent_decoded(text: &str) -> Option<String> {
    Some(percent_encoding::percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_decoded() {
        for (text, expected) in
            [("p%40ss%3Aw%2Ford+1", Some("p@ss:w/ord+1")), ("100%", Some("100%")), ("%zz", Some("%zz")), ("%ff", None)]
        {
            assert_eq!(percent_decoded(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_of_mail_servers() {
        let read = |url: &str| {
            let settings = SmtpSettings { url: url.into(), from: "a@b.example".to_owned(), ca_file: None };
            Smtp::new(&settings).map(|smtp| (smtp.host, smtp.port, smtp.login.map(|login| login.user)))
        };
        let at = |host: &str, port, user: Option<&str>| Ok((host.to_owned(), port, user.map(str::to_owned)));
        assert_eq!(read("smtps://u%40x:p@smtp.example"), at("smtp.example", 465, Some("u@x")));
        assert_eq!(read("smtp://smtp.example"), at("smtp.example", 25, None));
        assert_eq!(read("smtp://smtp.example?tls=required"), at("smtp.example", 587, None));
        assert_eq!(read("smtp://127.0.0.1:2525"), at("127.0.0.1", 2525, None));
        assert_eq!(read("smtp://[::1]:2525"), at("::1", 2525, None));
        for url in
            ["", "http://x", "smtp://", "smtp://x?tls=maybe", "smtp://x?tsl=required", "smtps://CANARY@x", "CANARY"]
        {
            let error = read(url).unwrap_err().to_string();
            assert!(!error.contains("CANARY"), "{error}");
        }
    }
}
