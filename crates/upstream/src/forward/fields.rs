//! Where the fields of an outgoing head are written to.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// A head that fields are added to, in the form that its connection wants.
pub(crate) trait Fields {
    /// Adds a field.
    fn put(&mut self, name: &HeaderName, value: &[u8]);

    /// Adds a field whose value `write` makes.
    fn build(&mut self, name: &HeaderName, write: impl FnOnce(&mut Vec<u8>));
}

/// As HTTP/1 sends them, line by line. All values were read as values, so none has a line's end.
impl Fields for Vec<u8> {
    fn put(&mut self, name: &HeaderName, value: &[u8]) {
        self.build(name, |out| out.extend_from_slice(value));
    }

    fn build(&mut self, name: &HeaderName, write: impl FnOnce(&mut Self)) {
        self.extend_from_slice(name.as_str().as_bytes());
        self.extend_from_slice(b": ");
        write(self);
        self.extend_from_slice(b"\r\n");
    }
}

/// As HTTP/2 takes them.
impl Fields for HeaderMap {
    fn put(&mut self, name: &HeaderName, value: &[u8]) {
        // What came as a value is one.
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.append(name, value);
        }
    }

    fn build(&mut self, name: &HeaderName, write: impl FnOnce(&mut Vec<u8>)) {
        let mut value = Vec::new();
        write(&mut value);
        self.put(name, &value);
    }
}
