//! Certificates: ours, from PEM files that can be read again, and the roots that peers' certificates must lead to.
//!
//! Each handshake takes what was read last, so that new files are used by new connections and leave those alone that are
//! up. Files at fault leave what there is. Whose name a peer's certificate must bear stands in [`super::peers`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use config::{HttpTls, Settings, SipTls, VerifyClient};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The protocol that browsers are offered on the port of the API (RFC 7301).
const HTTP: &[u8] = b"http/1.1";

/// Where certificates are read from.
#[derive(Debug)]
struct Files {
    /// The setting that names them.
    setting: &'static str,
    certificate: PathBuf,
    key: PathBuf,
    use_for: Use,
}

#[derive(Debug)]
enum Use {
    /// For peers of SIP, to whom we also connect.
    Sip {
        ca: Option<PathBuf>,
        verify_client: VerifyClient,
    },
    /// For browsers and clients of the API.
    Http,
}

/// What new connections use.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    current: ArcSwap<Configs>,
}

#[derive(Debug)]
struct Configs {
    server: Arc<ServerConfig>,
    /// None where we never connect.
    client: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Reads the files of `sip.tls`.
    ///
    /// # Errors
    ///
    /// What is wrong with which file.
    pub(crate) fn for_sip(settings: &SipTls) -> anyhow::Result<Self> {
        let ca = settings.ca.as_ref();
        Self::load(Files {
            setting: "sip.tls",
            certificate: path(&settings.certificate),
            key: path(&settings.key),
            use_for: Use::Sip {
                ca: ca.map(|ca| path(ca)),
                verify_client: settings.verify_client,
            },
        })
    }

    /// Reads the files of `http.tls`.
    ///
    /// # Errors
    ///
    /// What is wrong with which file.
    pub(crate) fn for_http(settings: &HttpTls) -> anyhow::Result<Self> {
        Self::load(Files {
            setting: "http.tls",
            certificate: path(&settings.certificate),
            key: path(&settings.key),
            use_for: Use::Http,
        })
    }

    fn load(files: Files) -> anyhow::Result<Self> {
        let current = ArcSwap::from_pointee(files.read()?);
        Ok(Self { files, current })
    }

    /// Reads the files again, and says so in the log. What is at fault changes nothing.
    pub(crate) fn reload(&self) {
        let certificate = self.files.certificate.display();
        match self.files.read() {
            Ok(configs) => {
                self.current.store(Arc::new(configs));
                tracing::info!(%certificate, setting = self.files.setting, "certificates read again");
            }
            Err(error) => {
                let error = crate::print::one_line(&error);
                tracing::error!("the certificates stay as they were: {error}");
            }
        }
    }

    /// For a connection that a peer has opened.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().server))
    }

    /// For a connection that we open.
    pub(crate) fn connector(&self) -> Option<TlsConnector> {
        let client = self.current.load().client.clone();
        client.map(TlsConnector::from)
    }
}

/// Looks for faults in all files that the settings name.
///
/// # Errors
///
/// The first fault.
pub(crate) fn check(settings: &Settings) -> anyhow::Result<()> {
    if let Some(tls) = &settings.sip.tls {
        Tls::for_sip(tls)?;
    }
    if let Some(tls) = &settings.http.tls {
        Tls::for_http(tls)?;
    }
    Ok(())
}

impl Files {
    fn read(&self) -> anyhow::Result<Configs> {
        let chain = self.certificates("certificate", &self.certificate)?;
        let key = self.private_key()?;
        let provider = Arc::new(ring::default_provider());
        Ok(match &self.use_for {
            Use::Http => Configs {
                server: Arc::new(self.server(&provider, None, chain, key)?),
                client: None,
            },
            Use::Sip { ca, verify_client } => {
                let roots = Arc::new(match ca {
                    Some(ca) => self.roots(ca)?,
                    None => system_roots(),
                });
                let verify = (Arc::clone(&roots), *verify_client);
                let server =
                    self.server(&provider, Some(verify), chain.clone(), key.clone_key())?;
                Configs {
                    server: Arc::new(server),
                    client: Some(Arc::new(self.client(&provider, roots, chain, key)?)),
                }
            }
        })
    }

    fn server(
        &self,
        provider: &Arc<CryptoProvider>,
        verify: Option<(Arc<RootCertStore>, VerifyClient)>,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> anyhow::Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()?;
        let verify = verify.filter(|(_, verify)| *verify != VerifyClient::Off);
        let builder = match verify {
            None => builder.with_no_client_auth(),
            Some((roots, verify)) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
                let verifier = match verify {
                    VerifyClient::Off | VerifyClient::Optional => verifier.allow_unauthenticated(),
                    VerifyClient::Required => verifier,
                };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .with_context(|| self.not_a_pair())?;
        if matches!(self.use_for, Use::Http) {
            config.alpn_protocols = vec![HTTP.to_vec()];
        }
        Ok(config)
    }

    /// Shows our certificate to peers that ask for one.
    fn client(
        &self,
        provider: &Arc<CryptoProvider>,
        roots: Arc<RootCertStore>,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> anyhow::Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()?;
        let builder = if roots.is_empty() {
            // No peer can be proven then; the handshake says so.
            builder.with_root_certificates(roots)
        } else {
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
            builder.with_webpki_verifier(verifier.build()?)
        };
        builder
            .with_client_auth_cert(chain, key)
            .with_context(|| self.not_a_pair())
    }

    fn not_a_pair(&self) -> String {
        format!(
            "the key in {} does not go with the certificate in {} ({})",
            self.key.display(),
            self.certificate.display(),
            self.setting
        )
    }

    fn certificates(
        &self,
        field: &str,
        file: &Path,
    ) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let shown = || format!("{} ({}.{field})", file.display(), self.setting);
        let read = CertificateDer::pem_file_iter(file)
            .and_then(|found| found.collect::<Result<Vec<_>, PemError>>())
            .with_context(|| format!("cannot read certificates from {}", shown()))?;
        if read.is_empty() {
            bail!(
                "there is no certificate in {}; it must be a PEM file",
                shown()
            );
        }
        Ok(read)
    }

    fn private_key(&self) -> anyhow::Result<PrivateKeyDer<'static>> {
        let shown = || format!("{} ({}.key)", self.key.display(), self.setting);
        match PrivateKeyDer::from_pem_file(&self.key) {
            Ok(key) => Ok(key),
            Err(PemError::NoItemsFound) => {
                bail!(
                    "there is no private key in {}; it must be a PEM file without a password",
                    shown()
                )
            }
            Err(error) => Err(error).with_context(|| format!("cannot read a key from {}", shown())),
        }
    }

    fn roots(&self, ca: &Path) -> anyhow::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates("ca", ca)? {
            roots.add(certificate).with_context(|| {
                format!(
                    "a certificate in {} ({}.ca) is no root",
                    ca.display(),
                    self.setting
                )
            })?;
        }
        Ok(roots)
    }
}

/// What the system trusts; a machine without any is told of it.
fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, _) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "this system trusts no root certificate: trunks over TLS need sip.tls.ca, or the package ca-certificates"
        );
    }
    roots
}

fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}
