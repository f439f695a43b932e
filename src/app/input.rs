//! Messages to scan: manifests, single messages, folders, mbox files and Maildirs, each with its envelope.
//!
//! # Standards
//! RFC 4155 and the mboxrd convention (`>From ` loses one `>`); Maildir as in <https://cr.yp.to/proto/maildir.html>.
//!
//! # Known gaps
//! A file is read into memory as a whole when its turn comes; only mbox files are read message by message.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use mail_parser::{HeaderValue, MessageParser};

use crate::mail::{Address, Envelope};

/// Why messages could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file or folder cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A manifest line is not of the form the contract names.
    #[error(
        "`{path}` line {line}: {found}; expected {{\"file\":\"...\",\"mail_from\":\"...\",\"rcpt_to\":[\"...\"]}}"
    )]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, in the JSON reader's words or ours.
        found: String,
    },
}

/// One message to judge.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name in the output: the path as given, with `#n` for the n-th message of an mbox.
    pub name: String,
    path: PathBuf,
    range: Option<(u64, u64)>,
    envelope: Option<Envelope>,
}

impl Input {
    /// A message in a file of its own whose envelope is read from its headers.
    pub fn file(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            path: path.to_owned(),
            range: None,
            envelope: None,
        }
    }

    /// The same message with this envelope.
    #[must_use]
    pub fn with_envelope(mut self, envelope: Envelope) -> Self {
        self.envelope = Some(envelope);
        self
    }

    /// Reads the message.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let Some((start, length)) = self.range else {
            return std::fs::read(&self.path);
        };
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut raw = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut raw)?;
        Ok(unquote_from_lines(&raw))
    }

    /// The envelope: the manifest's, or what the headers of `message` say.
    pub fn envelope(&self, message: &[u8]) -> Envelope {
        self.envelope
            .clone()
            .unwrap_or_else(|| envelope_from_headers(message))
    }
}

/// Lists the messages of manifests and paths, in their order.
pub fn collect(manifests: &[PathBuf], paths: &[PathBuf]) -> Result<Vec<Input>, InputError> {
    let mut inputs = Vec::new();
    for manifest in manifests {
        read_manifest(manifest, &mut inputs)?;
    }
    for path in paths {
        collect_path(path, &mut inputs)?;
    }
    Ok(inputs)
}

#[derive(serde::Deserialize)]
struct ManifestLine {
    file: PathBuf,
    mail_from: Option<String>,
    #[serde(default)]
    rcpt_to: Vec<String>,
}

fn read_manifest(path: &Path, inputs: &mut Vec<Input>) -> Result<(), InputError> {
    let text = std::fs::read_to_string(path).map_err(|source| InputError::Read {
        path: path.to_owned(),
        source,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let wrong = |found: String| InputError::Manifest {
            path: path.to_owned(),
            line: index + 1,
            found,
        };
        let entry: ManifestLine =
            serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let envelope = manifest_envelope(&entry).map_err(|found| wrong(found.to_owned()))?;
        inputs.push(Input {
            name: entry.file.display().to_string(),
            path: folder.join(&entry.file),
            range: None,
            envelope: Some(envelope),
        });
    }
    Ok(())
}

fn manifest_envelope(entry: &ManifestLine) -> Result<Envelope, &'static str> {
    let bare = |text: &str| {
        text.trim()
            .trim_start_matches('<')
            .trim_end_matches('>')
            .to_owned()
    };
    let sender = match entry.mail_from.as_deref().map(bare) {
        Some(text) if !text.is_empty() => {
            Some(Address::parse(&text).map_err(|_| "`mail_from` is not an address")?)
        }
        _ => None,
    };
    let rcpts: Result<Vec<Address>, _> = entry
        .rcpt_to
        .iter()
        .map(|text| Address::parse(&bare(text)))
        .collect();
    Ok(Envelope::of(
        sender,
        rcpts.map_err(|_| "`rcpt_to` holds what is not an address")?,
    ))
}

fn collect_path(path: &Path, inputs: &mut Vec<Input>) -> Result<(), InputError> {
    let failed = |source| InputError::Read {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(failed)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        entries.sort();
        let hidden = |entry: &PathBuf| {
            entry
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        };
        for entry in entries.iter().filter(|entry| !hidden(entry)) {
            collect_path(entry, inputs)?;
        }
        return Ok(());
    }
    let mut start = [0; 5];
    let read = File::open(path)
        .and_then(|mut file| file.read(&mut start))
        .map_err(failed)?;
    if start[..read] == *b"From " {
        return collect_mbox(path, inputs).map_err(failed);
    }
    inputs.push(Input::file(path));
    Ok(())
}

/// Finds where each message of an mbox starts and ends: a `From ` line at the start or after an empty line.
fn collect_mbox(path: &Path, inputs: &mut Vec<Input>) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut offset, mut start, mut number) = (0u64, None, 0usize);
    let (mut line, mut after_empty) = (Vec::new(), true);
    let mut push = |start: Option<u64>, end: u64| {
        if let Some(start) = start {
            number += 1;
            let name = format!("{}#{number}", path.display());
            inputs.push(Input {
                name,
                path: path.to_owned(),
                range: Some((start, end - start)),
                envelope: None,
            });
        }
    };
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        if after_empty && line.starts_with(b"From ") {
            push(start, offset);
            start = Some(offset + read);
        }
        after_empty = line == b"\n" || line == b"\r\n";
        offset += read;
    }
    push(start, offset);
    Ok(())
}

/// Removes one `>` from lines of `>`s and `From ` (mboxrd).
fn unquote_from_lines(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        let quoted = quotes > 0 && line[quotes..].starts_with(b"From ");
        out.extend_from_slice(if quoted { &line[1..] } else { line });
    }
    out
}

/// Sender from Return-Path or From, recipients from To, Cc and Bcc.
pub fn envelope_from_headers(message: &[u8]) -> Envelope {
    let Some(parsed) = MessageParser::default().parse_headers(message) else {
        return Envelope::of(None, []);
    };
    let addresses = |name: &str| -> Vec<Address> {
        parsed
            .header_values(name)
            .filter_map(|value| match value {
                HeaderValue::Address(list) => {
                    Some(list.iter().filter_map(|item| item.address.as_deref()))
                }
                _ => None,
            })
            .flatten()
            .filter_map(|text| Address::parse(text.trim()).ok())
            .collect()
    };
    let sender = addresses("From").into_iter().next();
    let rcpts = ["To", "Cc", "Bcc"].into_iter().flat_map(addresses);
    Envelope::of(sender, rcpts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_gives_each_message_with_from_lines_unquoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box");
        std::fs::write(
            &path,
            "From a\nSubject: 1\n\n>From x\nFrom y\n\nFrom b\nSubject: 2\n\ntext\n",
        )
        .unwrap();
        let inputs = collect(&[], std::slice::from_ref(&path)).unwrap();
        assert_eq!(inputs.len(), 2);
        assert_eq!(
            inputs[0].read().unwrap(),
            b"Subject: 1\n\nFrom x\nFrom y\n\n"
        );
        assert_eq!(inputs[1].read().unwrap(), b"Subject: 2\n\ntext\n");
        assert!(inputs[1].name.ends_with("box#2"));
    }

    #[test]
    fn a_manifest_names_files_beside_it_and_errors_name_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        std::fs::write(&path, "{\"file\":\"a.eml\",\"mail_from\":\"<>\",\"rcpt_to\":[\"b@c.example\"],\"other\":1}\n\n").unwrap();
        let inputs = collect(std::slice::from_ref(&path), &[]).unwrap();
        assert_eq!(
            (inputs[0].name.as_str(), inputs[0].path.as_path()),
            ("a.eml", folder.path().join("a.eml").as_path())
        );
        let envelope = inputs[0].envelope(b"");
        assert!(envelope.mail_from.address().is_none());
        assert_eq!(envelope.rcpts.len(), 1);
        std::fs::write(&path, "\n{\"file\":\"a.eml\",\"rcpt_to\":[\"nobody\"]}\n").unwrap();
        let error = collect(std::slice::from_ref(&path), &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.contains("rcpt_to"),
            "{error}"
        );
    }

    #[test]
    fn headers_give_the_envelope() {
        let envelope = envelope_from_headers(
            b"From: A <a@b.example>\r\nTo: x@y.example, Z <z@y.example>\r\nCc: c@d.example\r\n\r\n",
        );
        assert_eq!(
            envelope.mail_from.address().unwrap().as_str(),
            "a@b.example"
        );
        assert_eq!(envelope.rcpts.len(), 3);
    }
}
