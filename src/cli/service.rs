//! The running service, reached through its admin API.

use super::env;
use crate::{
    app::{self, CliOptions},
    settings::ADMIN_TOKEN_VARIABLE,
};
use anyhow::Context;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the service is reached.
pub(super) struct Service {
    base: String,
    token: Option<SecretString>,
    client: reqwest::Client,
}

impl Service {
    /// Uses the given address, or `admin.listen` of the configuration; the token comes from the configuration.
    pub(super) fn find(overrides: &CliOptions, url: Option<String>) -> anyhow::Result<Self> {
        let (base, token) = match (url, app::load(overrides, &env)) {
            (Some(url), Ok(settings)) => (url, settings.admin.token),
            (Some(url), Err(_)) => (url, env(ADMIN_TOKEN_VARIABLE).map(SecretString::from)),
            (None, settings) => {
                let admin = settings?.admin;
                (format!("http://{}", admin.listen), admin.token)
            }
        };
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, client })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let base = &self.base;
        let mut request = self.client.request(method, format!("{base}{path}"));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("no response from {base}: is `reply-router run` running?"))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.json().await?);
        }
        let problem: Value = response.json().await.unwrap_or_default();
        match (status, problem["detail"].as_str()) {
            (StatusCode::UNAUTHORIZED, _) => anyhow::bail!(
                "the service responded {status}: set `admin.token` in the configuration to its token, or \
                 {ADMIN_TOKEN_VARIABLE} to that or to your own"
            ),
            (_, Some(detail)) => anyhow::bail!("{detail}"),
            (_, None) => anyhow::bail!("unexpected response {status}: is {base} a Reply Router?"),
        }
    }
}
