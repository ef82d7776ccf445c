//! Certificates of an authority that only one run knows.

use std::{fs, path::PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

/// The names of every server of a run.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: PathBuf,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

/// A server's certificate and key, in PEM.
pub struct Certificate {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new(directory: PathBuf) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        fs::create_dir_all(&directory)?;
        let authority = Self { issuer: Issuer::new(params, key), directory, certificate };
        fs::write(authority.file(), &authority.certificate)?;
        Ok(authority)
    }

    /// Where its own certificate is.
    pub fn file(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    /// A certificate for every server of this machine.
    pub fn issue(&self) -> Result<Certificate> {
        self.sign(&params()?)
    }

    /// A certificate that was valid once.
    pub fn issue_expired(&self) -> Result<Certificate> {
        let mut params = params()?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Certificate> {
        let key = KeyPair::generate()?;
        let chain = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Certificate { chain, key: key.serialize_pem() })
    }
}

fn params() -> Result<CertificateParams> {
    Ok(CertificateParams::new(HOSTS.map(str::to_owned))?)
}
