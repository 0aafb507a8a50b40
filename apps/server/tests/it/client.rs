//! A client that sends exactly the bytes that it is given.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::program::PATIENCE;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The only value of a field; none, or several, is `None`.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// All values of a field, joined.
    pub(crate) fn joined(&self, name: &str) -> String {
        let values = self
            .fields
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Checks that this is a problem document of ours, and returns its error word.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.field("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["status"], status);
        assert_eq!(
            document["requestId"].as_str(),
            self.field("x-request-id"),
            "{self:?}"
        );
        let word = document["error"].as_str().unwrap().to_owned();
        assert_eq!(
            self.field("proxy-status"),
            Some(format!("urm; error={word}").as_str())
        );
        word
    }
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Reads one answer to its end.
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_to("GET")
    }

    /// Reads one answer to a request of this method.
    pub(crate) fn answer_to(&mut self, method: &str) -> Answer {
        let (status, fields) = self.head();
        let mut answer = Answer {
            status,
            fields,
            body: Vec::new(),
        };
        if method == "HEAD" || status == 304 || status == 204 {
            return answer;
        }
        if answer.joined("transfer-encoding").contains("chunked") {
            loop {
                let size = self.line();
                let size =
                    usize::from_str_radix(size.split(';').next().unwrap().trim(), 16).unwrap();
                let mut chunk = self.exactly(size + 2);
                chunk.truncate(size);
                if size == 0 {
                    return answer;
                }
                answer.body.extend_from_slice(&chunk);
            }
        }
        answer.body = match answer.field("content-length") {
            Some(length) => {
                let length = length.parse().unwrap();
                self.exactly(length)
            }
            None => self.rest(),
        };
        answer
    }

    /// Reads a head.
    pub(crate) fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let line = self.line();
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return (status, fields);
            }
            let (name, value) = line.split_once(':').unwrap();
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(
                self.more(),
                "the connection ended inside a line: {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(
                self.more(),
                "the connection ended after {} of {count} bytes",
                self.read.len()
            );
        }
        self.read.drain(..count).collect()
    }

    /// Reads one chunk of a chunked body.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let size = usize::from_str_radix(&self.line(), 16).unwrap();
        let mut chunk = self.exactly(size + 2);
        chunk.truncate(size);
        chunk
    }

    /// Throws away what was read beyond the head, and says how much that was.
    pub(crate) fn buffered(&mut self) -> u64 {
        std::mem::take(&mut self.read).len() as u64
    }

    /// Reads to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.read)
    }

    /// Whether the other side has closed; what still comes is thrown away.
    pub(crate) fn closed(&mut self) -> bool {
        self.rest();
        true
    }

    fn more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend_from_slice(&piece[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Sends a request over a connection of its own and reads the answer.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut client = Client::connect(address);
    client.send(request);
    let method = request.split(' ').next().unwrap_or("GET").to_owned();
    client.answer_to(&method)
}

/// `GET path` with further field lines, each ending in CRLF.
pub(crate) fn get_with(address: SocketAddr, path: &str, fields: &str) -> Answer {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: test\r\n{fields}connection: close\r\n\r\n"),
    )
}

/// `GET path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    get_with(address, path, "")
}
