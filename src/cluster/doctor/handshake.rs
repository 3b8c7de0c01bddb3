//! The certificates that a server shows, whoever signed them: they are judged later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::seen::{Hidden, Seen};
use crate::server::tls;

/// Goes there and looks.
pub(super) async fn look(
    address: &str,
    name: ServerName<'static>,
    patience: Duration,
) -> Seen<Vec<CertificateDer<'static>>> {
    let onlooker = Arc::new(Onlooker {
        provider: tls::provider(),
        shown: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(&onlooker) as _)
                .with_no_client_auth()
        });
    let config = match config {
        Ok(config) => Arc::new(config),
        Err(error) => return Seen::Hidden(Hidden::Failed(error.to_string())),
    };
    let exchange = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(config).connect(name, stream).await
    };
    let outcome = timeout(patience, exchange).await;
    // a server that wants a certificate of ours has shown its own before it hangs up
    let shown = std::mem::take(
        &mut *onlooker
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    if !shown.is_empty() {
        return Seen::Is(shown);
    }
    let why = match outcome {
        Ok(Ok(_)) => "shows no certificate".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer in {} s", patience.as_secs()),
    };
    Seen::Hidden(Hidden::Elsewhere(format!("{address}: {why}")))
}

/// Trusts everybody for as long as a look takes, and is told nothing but certificates.
#[derive(Debug)]
struct Onlooker {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = [end_entity].into_iter().chain(intermediates);
        let all = all.map(|one| one.clone().into_owned()).collect();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
