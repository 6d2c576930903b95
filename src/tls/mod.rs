//! The encryption of connections that this program makes: one configuration for all of them.
//!
//! To read the certificates that the system trusts takes milliseconds and some hundred kilobytes. A process with a thousand
//! workspaces has two thousand HTTP clients, and they trust the same ones.

use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, OnceLock};

static SYSTEM: OnceLock<ClientConfig> = OnceLock::new();

/// Trusts whom the system trusts, as a browser does. Certificates are read once, and again if that failed.
pub(crate) fn system() -> Result<ClientConfig, rustls::Error> {
    if let Some(read) = SYSTEM.get() {
        return Ok(read.clone());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let read = builder.with_platform_verifier()?.with_no_client_auth();
    Ok(SYSTEM.get_or_init(|| read).clone())
}

/// The same for HTTP.
pub(crate) fn system_for_http() -> Result<ClientConfig, rustls::Error> {
    let mut config = system()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
