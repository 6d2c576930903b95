//! The running service, reached through its admin API.

use super::env;
use crate::{
    app::{self, AppError, CliOptions, StoreMode, open_store},
    settings::{ADMIN_TOKEN_VARIABLE, Settings},
    store::{SqlStore, StoreError},
};
use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Longer than the service takes for any request.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Whoever does not answer this soon is not there.
const LOOK: Duration = Duration::from_secs(3);

/// Who works on the records: a service that runs, or this command.
pub(super) enum Records {
    Service(Service),
    Store(Arc<SqlStore>),
}

impl Records {
    /// The service at the address, if one is given. Otherwise the service that has the store, or the store itself if no
    /// service runs. A file's store says whether somebody has it; for one on a server, `admin.listen` is asked.
    pub(super) async fn reach(
        overrides: &CliOptions,
        settings: Option<&Settings>,
        url: Option<String>,
        how: StoreMode,
    ) -> anyhow::Result<Self> {
        let Some(settings) = settings.filter(|_| url.is_none()) else {
            return Ok(Self::Service(Service::find(overrides, url)?));
        };
        let service = Service::find(overrides, None)?;
        if settings.store.file().is_none() && service.is_there().await {
            return Ok(Self::Service(service));
        }
        match open_store(settings, how).await {
            Err(AppError::Store(StoreError::InUse { .. })) => Ok(Self::Service(service)),
            opened => Ok(Self::Store(opened?)),
        }
    }
}

/// Where the service is reached.
pub(super) struct Service {
    base: String,
    token: Option<SecretString>,
    client: reqwest::Client,
}

impl Service {
    /// Uses the given address, or `admin.listen` of the configuration. The token is the one of the environment, which may be
    /// a user's own, or else `admin.token`.
    pub(super) fn find(overrides: &CliOptions, url: Option<String>) -> anyhow::Result<Self> {
        let (base, configured) = match (url, app::load(overrides, &env)) {
            (Some(url), settings) => (url, settings.ok().and_then(|settings| settings.admin.token)),
            (None, settings) => {
                let admin = settings?.admin;
                (format!("http://{}", admin.listen), admin.token)
            }
        };
        let own = env(ADMIN_TOKEN_VARIABLE).filter(|token| !token.is_empty()).map(SecretString::from);
        let token = own.or(configured);
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, client })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends a table.
    pub(super) async fn post_table(&self, path: &str, table: Vec<u8>) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "text/csv").body(table);
        Ok(self.respond(request).await?.json().await?)
    }

    /// The response as it comes.
    pub(super) async fn download(&self, path: &str) -> anyhow::Result<Response> {
        self.respond(self.request(Method::GET, path)).await
    }

    /// Whether a service of ours answers.
    pub(super) async fn is_there(&self) -> bool {
        let asked = self.client.get(format!("{}/healthz", self.base)).timeout(LOOK).send().await;
        match asked {
            Ok(response) => response.text().await.is_ok_and(|text| text == "ok\n"),
            Err(_) => false,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(self.respond(request).await?.json().await?)
    }

    async fn respond(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let base = &self.base;
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("no response from {base}: is `reply-router run` running?"))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
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
