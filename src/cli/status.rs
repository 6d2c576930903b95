//! `status`: the rules of the running service, in a table.

use super::{Outcome, args::TableFormat, env};
use crate::{
    app::{self, Overrides},
    settings::ADMIN_TOKEN_VARIABLE,
};
use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(super) async fn status(overrides: &Overrides, url: Option<String>, format: TableFormat) -> anyhow::Result<Outcome> {
    let settings = app::load(overrides, &env);
    let (base, token) = match (url, &settings) {
        (Some(url), Ok(settings)) => (url, settings.admin.token.clone()),
        (Some(url), Err(_)) => (url, env(ADMIN_TOKEN_VARIABLE).map(SecretString::from)),
        (None, Ok(settings)) => (format!("http://{}", settings.admin.listen), settings.admin.token.clone()),
        (None, Err(_)) => return Err(settings.err().map_or_else(|| anyhow::anyhow!("no configuration"), Into::into)),
    };
    let base = base.trim_end_matches('/');
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).no_proxy().build()?;
    let get = async |path: &str| -> anyhow::Result<Value> {
        let mut request = client.get(format!("{base}{path}"));
        if let Some(token) = &token {
            request = request.bearer_auth(token.expose_secret());
        }
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("the service does not answer at {base}: is `reply-router run` running?"))?;
        let status = response.status();
        if !status.is_success() {
            anyhow::bail!("the service answers {status}: check `admin.token`");
        }
        Ok(response.json().await?)
    };
    let status = get("/api/v1/status").await?;
    let rules = get("/api/v1/rules?limit=10000").await?;
    if format == TableFormat::Json {
        let all = serde_json::json!({ "status": status, "rules": rules["items"] });
        anstream::println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Outcome::Fine);
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    if status["paused"] == true {
        anstream::println!("PAUSED: nothing is sent until `resume`\n");
    }
    for workspace in status["workspaces"].as_array().into_iter().flatten() {
        let error = workspace["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
        anstream::println!(
            "{} {}{error}, last poll {}, {} requests left this hour",
            text(&workspace["name"]),
            text(&workspace["state"]),
            text(&workspace["last_poll"]),
            workspace["budget"]["hour_left"]
        );
    }
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(120);
    }
    table.set_header(["rule", "mode", "24 h", "total", "actions", "last match", "last error"]);
    for rule in rules["items"].as_array().into_iter().flatten() {
        let actions = rule["actions"]["total"].as_object().into_iter().flatten();
        let actions: Vec<_> = actions.map(|(state, count)| format!("{count} {state}")).collect();
        table.add_row([
            text(&rule["name"]),
            text(&rule["effective_mode"]),
            rule["matches"]["24h"].to_string(),
            rule["matches"]["total"].to_string(),
            actions.join(", "),
            text(&rule["last_match"]),
            text(&rule["last_error"]["text"]),
        ]);
    }
    anstream::println!("{table}");
    Ok(Outcome::Fine)
}
