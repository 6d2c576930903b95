//! One POST to Slack or a webhook: guarded, bounded, without redirect, proxy or retry.

use super::{
    delivery::{Delivered, DeliveryError},
    problem::DestinationProblem,
    sanitize::one_line,
    ssrf::{NetworkSettings, PrivateAddress, PublicResolver, private_host},
};
use crate::tls;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service};
use url::Url;

/// What a configured address begins with.
pub(super) const HTTP_URL: &str = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:";
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer is read to this length; what follows is left unread.
const MAX_RESPONSE_LEN: usize = 64 * 1024;
const MAX_WAIT: Duration = Duration::from_secs(3_600);

/// An address that is posted to. Only its host is ever shown.
#[derive(Clone)]
pub(super) struct Target {
    url: Url,
}

impl Target {
    /// Reads `http://` and `https://` addresses; those written as a private number only if that is allowed.
    pub(super) fn new(
        key: &'static str,
        url: &SecretString,
        network: &NetworkSettings,
    ) -> Result<Self, DestinationProblem> {
        let wrong = |why: String| DestinationProblem::Url { key, why };
        let url = Url::parse(url.expose_secret().trim())
            .map_err(|error| wrong(format!("{error}; write https://host/path")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it must begin with https:// or http://".to_owned()));
        }
        match private_host(&url) {
            Some(address) if !network.allow_private => {
                Err(DestinationProblem::PrivateAddress { key, address: address.to_string() })
            }
            _ => Ok(Self { url }),
        }
    }

    /// The same host with one more path segment.
    pub(super) fn method(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        let path = format!("{}/{name}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Self { url }
    }

    /// The host, with the port where it is not the scheme's own.
    pub(super) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}://{}/…)", self.url.scheme(), self.host())
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// The beginning of the body; never shown as it is, for it may repeat what was sent.
    pub(super) body: Vec<u8>,
}

/// The client that all Slack and webhook destinations share.
pub struct Http {
    sending: reqwest::Client,
    connecting: reqwest::Client,
    allow_private: bool,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(network: NetworkSettings) -> Result<Self, DestinationProblem> {
        Self::with_timeout(network, TIMEOUT)
    }

    /// `timeout` is for everything from the name to the end of the response.
    pub(super) fn with_timeout(network: NetworkSettings, timeout: Duration) -> Result<Self, DestinationProblem> {
        let tls = tls::system_for_http().map_err(|error| DestinationProblem::Http(error.to_string()))?;
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("reply-router/", env!("CARGO_PKG_VERSION")))
                .tls_backend_preconfigured(tls.clone())
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                // A proxy would resolve the name itself, past the guard.
                .no_proxy()
                .timeout(timeout)
                .dns_resolver(PublicResolver { allow_private: network.allow_private })
        };
        let failed = |error: reqwest::Error| DestinationProblem::Http(deepest(&error));
        Ok(Self {
            sending: builder().build().map_err(failed)?,
            connecting: builder().connector_layer(ConnectOnly).build().map_err(failed)?,
            allow_private: network.allow_private,
        })
    }

    /// Posts JSON once and reads the beginning of the answer, whatever its status.
    pub(super) async fn post(
        &self,
        target: &Target,
        mut headers: HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Response, DeliveryError> {
        self.check_literal(target)?;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let request = self.sending.post(target.url.clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(|error| unsent(&error, target))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| wait_of(value.to_str().ok()?, now));
        let mut body = Vec::new();
        // The status decides, so an answer that breaks off or never ends is as good as a short one.
        while body.len() < MAX_RESPONSE_LEN {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(MAX_RESPONSE_LEN);
        Ok(Response { status, retry_after, body })
    }

    /// Resolves, connects and, for `https`, shakes hands; sends no request.
    pub(super) async fn connect(&self, target: &Target) -> Result<(), DeliveryError> {
        self.check_literal(target)?;
        match self.connecting.head(target.url.clone()).send().await {
            Err(error) if find::<Connected>(&error).is_some() => Ok(()),
            Err(error) => Err(unsent(&error, target)),
            Ok(_) => Ok(()),
        }
    }

    fn check_literal(&self, target: &Target) -> Result<(), DeliveryError> {
        match private_host(&target.url) {
            Some(address) if !self.allow_private => Err(private(target, &PrivateAddress(address))),
            _ => Ok(()),
        }
    }
}

/// Judges an answer by its status alone: 2xx is accepted; 408, 425, 429 and 5xx may be tried again; the rest may not.
pub(super) fn classify(response: &Response, host: &str, hint: Option<&str>) -> Result<Delivered, DeliveryError> {
    let status = response.status;
    let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
    let error = match status {
        200..=299 => return Ok(Delivered { status: Some(status) }),
        300..=399 => DeliveryError::refused(format!(
            "{host} answered with a redirect ({status}), which is never followed; write the final address"
        )),
        408 | 425 | 500..=599 => {
            DeliveryError::refused(format!("{host} failed ({status}){hint}")).retryable(response.retry_after)
        }
        429 => DeliveryError::refused(format!("{host} asks for fewer messages (429){hint}"))
            .retryable(response.retry_after),
        401 | 403 => DeliveryError::unauthorized(format!("{host} does not let us in ({status}){hint}")),
        404 => DeliveryError::refused(format!("{host} does not know the address (404){hint}")),
        410 => DeliveryError::refused(format!("{host} says that the address is gone for good (410){hint}")),
        _ => DeliveryError::refused(format!("{host} said no ({status}){hint}")),
    };
    Err(error.status(status))
}

/// A `Retry-After` in seconds or as a date, at most an hour.
fn wait_of(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_WAIT))
}

/// Why no answer came. Never the error's own text, which names the whole address.
fn unsent(error: &reqwest::Error, target: &Target) -> DeliveryError {
    let host = target.host();
    if let Some(address) = find::<PrivateAddress>(error) {
        return private(target, address);
    }
    if error.is_timeout() {
        return DeliveryError::unreachable(format!("{host} did not answer in time"));
    }
    if error.is_dns() {
        return DeliveryError::unreachable(format!("the name of {host} cannot be resolved: {}", deepest(error)));
    }
    if error.is_connect() {
        return DeliveryError::unreachable(format!("{host} cannot be reached: {}", deepest(error)));
    }
    if error.is_builder() {
        return DeliveryError::refused(format!("no request could be made for {host}; check its address"));
    }
    DeliveryError::unreachable(format!("the connection to {host} broke before an answer came"))
}

fn private(target: &Target, address: &PrivateAddress) -> DeliveryError {
    let host = target.host();
    DeliveryError::refused(format!("{host}: {address}; set `network.allow_private: true` if that is meant"))
}

/// The innermost cause: `Connection refused`, an invalid certificate. It names no address of ours.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "unknown cause".to_owned(),
        None => one_line(&cause.to_string(), 200),
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Stops a request as soon as its connection stands, so that nothing is sent.
#[derive(Clone, Copy)]
struct ConnectOnly;

#[derive(Clone)]
struct ConnectOnlyService<S>(S);

#[derive(Debug, thiserror::Error)]
#[error("connected")]
struct Connected;

type Cause = Box<dyn Error + Send + Sync>;

impl<S> Layer<S> for ConnectOnly {
    type Service = ConnectOnlyService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        ConnectOnlyService(inner)
    }
}

impl<S, T> Service<T> for ConnectOnlyService<S>
where
    S: Service<T, Error = Cause>,
    S::Future: Send + 'static,
    S::Response: 'static,
{
    type Response = S::Response;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: T) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move {
            connecting.await?;
            Err(Connected.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("99999999", Some(3_600)),
            ("Sun, 01 Mar 2026 12:01:00 GMT", Some(60)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
        ] {
            assert_eq!(wait_of(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[tokio::test]
    async fn silence_ends_and_may_be_tried_again() {
        // Takes the connection and never says a word.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = NetworkSettings { allow_private: true };
        let http = Http::with_timeout(network, Duration::from_millis(50)).unwrap();
        let url = SecretString::from(format!("http://{}/canary", listener.local_addr().unwrap()));
        let target = Target::new("url", &url, &network).unwrap();
        let error = http.post(&target, HeaderMap::new(), Vec::new(), Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert!(error.retry, "{error}");
        assert!(error.text.contains("in time") && !error.text.contains("canary"), "{error}");
    }

    #[test]
    fn a_target_shows_its_host_only() {
        let secret = SecretString::from("https://user:pass@hooks.example:8443/services/T0/B0/XYZ?token=abc");
        let target = Target::new("url", &secret, &NetworkSettings::default()).unwrap();
        assert_eq!(format!("{target:?}"), "Target(https://hooks.example:8443/…)");
    }
}
