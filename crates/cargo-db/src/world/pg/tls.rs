//! TLS as libpq means it (PostgreSQL manual, 34.19 "SSL Support"), on rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::failure::{CausedBy, Failure, Result, SettingsError};
use crate::model::target::{Tls, TlsMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How much of a server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CertificateCheck {
    Nothing,
    Authority,
}

/// A connector for this target's TLS.
pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad("the TLS library", error))?;
    // As in libpq: if there is a root certificate file, `require` verifies the signer.
    let check = match (tls.mode, &tls.root) {
        (TlsMode::VerifyFull, _) => None,
        (TlsMode::VerifyCa, _) | (TlsMode::Require, Some(_)) => Some(CertificateCheck::Authority),
        _ => Some(CertificateCheck::Nothing),
    };
    let builder = match check {
        None => builder.with_root_certificates(roots(tls.root.as_deref())?),
        Some(check) => {
            let verifier = Lenient { check, inner: inner(check, tls, &provider)?, provider };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| bad(&key.display().to_string(), error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| bad("sslcert", error))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn inner(
    check: CertificateCheck,
    tls: &Tls,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>> {
    if check == CertificateCheck::Nothing {
        return Ok(None);
    }
    let roots = Arc::new(roots(tls.root.as_deref())?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
    Ok(Some(verifier.map_err(|error| bad("sslrootcert", error))?))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in certificates(file)? {
                store.add(certificate).map_err(|error| bad(&file.display().to_string(), error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    read.map_err(|error| bad(&file.display().to_string(), error))
}

fn bad(value: &str, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    SettingsError::Value {
        source_name: "TLS".to_owned(),
        value: value.to_owned(),
        why: error.to_string(),
    }
    .caused_by(error)
}

/// Verifies the signer of a certificate but not its host name (`verify-ca`), or nothing at all
/// (`require` and `prefer`, which only protect from eavesdropping).
#[derive(Debug)]
struct Lenient {
    check: CertificateCheck,
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

/// What checking a signature gives.
type SignatureResult = std::result::Result<HandshakeSignatureValid, Error>;
/// How one version of TLS checks a signature.
type SignatureVerifier = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &WebPkiSupportedAlgorithms,
) -> SignatureResult;

impl Lenient {
    /// Checks a signature, with the algorithms that we know.
    fn signed(
        &self,
        verify: SignatureVerifier,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> SignatureResult {
        verify(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        let (CertificateCheck::Authority, Some(inner)) = (self.check, &self.inner) else {
            return Ok(ServerCertVerified::assertion());
        };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> SignatureResult {
        self.signed(rustls::crypto::verify_tls12_signature, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> SignatureResult {
        self.signed(rustls::crypto::verify_tls13_signature, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
