//! Whose a client's certificate is: its common name or, without one, its first alternative name.
//!
//! Reads the few parts of X.509 this needs, from certificates that have been verified already. What does not fit the
//! layout has no name. Source: RFC 5280, sections 4.1 and 4.2.1.6; tags of X.690.

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `[0]`, the version.
const VERSION: u8 = 0xA0;
/// `[3]`, the extensions.
const EXTENSIONS: u8 = 0xA3;
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];

/// The name a certificate (DER) is made out to.
///
/// The common name if there is exactly one, else the first e-mail address, DNS name or URI of the alternative names.
/// A name with control characters, or over 256 bytes, counts as none: it goes to logs and pages.
pub(super) fn name(certificate: &[u8]) -> Option<String> {
    let mut certificate = Der(Der(certificate).value(SEQUENCE)?);
    let mut fields = Der(certificate.value(SEQUENCE)?);
    if fields.0.first() == Some(&VERSION) {
        fields.next()?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        fields.next()?;
    }
    let subject = fields.value(SEQUENCE)?;
    common_name(subject).or_else(|| alternative_name(fields))
}

fn common_name(subject: &[u8]) -> Option<String> {
    let mut names = Der(subject).flat_map(|(_, set)| Der(set)).filter_map(|(_, pair)| {
        let mut pair = Der(pair);
        (pair.value(OBJECT_ID)? == COMMON_NAME).then(|| pair.next()).flatten()
    });
    match (names.next(), names.next()) {
        (Some((tag, text)), None) => directory_string(tag, text),
        _ => None,
    }
}

fn alternative_name(mut fields: Der<'_>) -> Option<String> {
    let (_, extensions) = fields.find(|(tag, _)| *tag == EXTENSIONS)?;
    let names = Der(Der(extensions).value(SEQUENCE)?).find_map(|(_, extension)| {
        let mut extension = Der(extension);
        (extension.value(OBJECT_ID)? == SUBJECT_ALT_NAME).then_some(extension)
    })?;
    // Behind a flag that may be left out.
    let (_, names) = { names }.find(|(tag, _)| *tag == OCTET_STRING)?;
    Der(Der(names).value(SEQUENCE)?).find_map(|(tag, text)| match tag {
        // rfc822Name, dNSName, uniformResourceIdentifier: ASCII.
        0x81 | 0x82 | 0x86 if text.is_ascii() => fit(std::str::from_utf8(text).ok()?.to_owned()),
        _ => None,
    })
}

/// A text of one of the kinds names are written in.
fn directory_string(tag: u8, text: &[u8]) -> Option<String> {
    let text = match tag {
        // UTF8String, PrintableString, IA5String, TeletexString: of the last only what is ASCII.
        0x0C | 0x13 | 0x16 => std::str::from_utf8(text).ok()?.to_owned(),
        0x14 if text.is_ascii() => std::str::from_utf8(text).ok()?.to_owned(),
        // BMPString
        0x1E => {
            let (units, rest) = text.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())?
        }
        _ => return None,
    };
    fit(text)
}

fn fit(text: String) -> Option<String> {
    let is_fit = (1..=256).contains(&text.len()) && !text.chars().any(char::is_control);
    is_fit.then_some(text)
}

/// Elements one after the other: tag and value. Ends at the first that does not fit.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The value of the next element, which has to be of this tag.
    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, len], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match len {
            0x00..=0x7F => (usize::from(len), rest),
            // The length in so many bytes; certificates are far from needing more than three.
            0x81..=0x83 => {
                let (len, rest) = rest.split_at_checked(usize::from(len - 0x80))?;
                (len.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair, SanType, string::*};

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Acme");
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn common(value: impl Into<DnValue>) -> Vec<u8> {
        let value = value.into();
        certificate(|params| {
            params.distinguished_name.push(DnType::CommonName, value);
            params.subject_alt_names.push(SanType::DnsName("other.example".try_into().unwrap()));
        })
    }

    #[test]
    fn the_common_name_in_each_kind_of_text() {
        for (value, wanted) in [
            (DnValue::Utf8String("Zoë".to_owned()), Some("Zoë")),
            (DnValue::PrintableString(PrintableString::try_from("ala").unwrap()), Some("ala")),
            (DnValue::Ia5String(Ia5String::try_from("ala@example").unwrap()), Some("ala@example")),
            (DnValue::TeletexString(TeletexString::try_from("ala").unwrap()), Some("ala")),
            (DnValue::BmpString(BmpString::try_from("Zoë").unwrap()), Some("Zoë")),
            // Not fit to be shown: the next best.
            (DnValue::Utf8String("a\nb".to_owned()), Some("other.example")),
            (DnValue::Utf8String(String::new()), Some("other.example")),
            (DnValue::Utf8String("x".repeat(257)), Some("other.example")),
        ] {
            assert_eq!(name(&common(value.clone())).as_deref(), wanted, "{value:?}");
        }
    }

    #[test]
    fn without_a_common_name_the_first_alternative_name() {
        let ip = || SanType::IpAddress([127, 0, 0, 1].into());
        let dns = || SanType::DnsName("a.example".try_into().unwrap());
        let mail = || SanType::Rfc822Name("a@example".try_into().unwrap());
        let uri = || SanType::URI("spiffe://example/a".try_into().unwrap());
        for (names, wanted) in [
            (vec![ip(), dns(), mail()], Some("a.example")),
            (vec![mail(), dns()], Some("a@example")),
            (vec![uri()], Some("spiffe://example/a")),
            (vec![ip()], None),
            (vec![], None),
        ] {
            let certificate = certificate(|params| params.subject_alt_names = names);
            assert_eq!(name(&certificate).as_deref(), wanted);
        }
    }

    #[test]
    fn whatever_happens_to_the_bytes_nothing_else_does() {
        let good = common("ala");
        assert_eq!(name(&good).as_deref(), Some("ala"));
        for at in 0..good.len() {
            assert_eq!(name(&good[..at]), None, "cut at {at}");
            for value in [0x00, 0x7F, 0x80, 0x83, 0x84, 0xFF, good[at] ^ 1] {
                let mut bad = good.clone();
                bad[at] = value;
                // Whether there is still a name in it does not matter.
                let _ = name(&bad);
            }
        }
    }
}
