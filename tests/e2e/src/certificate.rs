//! Certificates of the tests' own, made as they are needed.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    SerialNumber,
};

/// Somebody who says who others are.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

/// The files of a certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Authority {
    /// One that is called so, with its certificate in `directory`.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn new(directory: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = directory.join(format!("{name}.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    /// The file that those name who trust it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Makes a certificate for these host names and addresses, or writes another one over it.
    ///
    /// # Panics
    ///
    /// When the files cannot be written.
    pub fn issue(&self, file: &str, names: &[&str], serial: u64) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = named(names, file);
        params.serial_number = Some(SerialNumber::from(serial));
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let issued = Certificate {
            certificate: self.file.with_file_name(format!("{file}.cert.pem")),
            key: self.file.with_file_name(format!("{file}.key.pem")),
        };
        std::fs::write(&issued.certificate, signed.pem()).unwrap();
        std::fs::write(&issued.key, key.serialize_pem()).unwrap();
        issued
    }
}

impl Certificate {
    /// The two fields that name it in the settings.
    pub fn fields(&self) -> String {
        format!(
            "certificate = {:?}, key = {:?}",
            self.certificate.to_str().unwrap(),
            self.key.to_str().unwrap()
        )
    }
}

fn named(names: &[&str], common: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}
