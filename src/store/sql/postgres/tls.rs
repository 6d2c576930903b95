//! Encryption on the way to the server, and whose certificates are trusted.

use crate::{store::StoreError, tls};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{path::PathBuf, sync::Arc};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Roots {
    /// Those that the system trusts, as a browser does.
    #[default]
    System,
    /// Those of a file with PEM certificates, and no others.
    File(PathBuf),
}

impl Roots {
    /// What connects with TLS. Certificates are always checked, and that they are the host's.
    pub(super) fn connector(&self, shown: &str) -> Result<MakeRustlsConnect, StoreError> {
        let failed = |detail: String| StoreError::Server { path: shown.to_owned(), detail };
        let config = match self {
            Self::System => tls::system().map_err(|error| failed(error.to_string()))?,
            Self::File(path) => {
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let builder = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| failed(error.to_string()))?;
                let unusable = |why: String| failed(format!("sslrootcert {}: {why}", path.display()));
                let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
                let mut roots = RootCertStore::empty();
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                    roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(unusable("there is no PEM certificate in it".to_owned()));
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }
}

/// What to do about a certificate that was refused; `None` if none was.
pub(super) fn advise(error: &tokio_postgres::Error) -> Option<&'static str> {
    let io = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    let refused = matches!(io.get_ref()?.downcast_ref::<rustls::Error>()?, rustls::Error::InvalidCertificate(_));
    refused.then_some(
        "name the certificate of the authority that signed it with `?sslrootcert=/path/to/ca.pem`, or, on a network that you \
         trust, switch encryption off with `?sslmode=disable`",
    )
}
