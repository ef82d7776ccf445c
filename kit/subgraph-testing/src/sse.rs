//! Server-sent events, as they come.

/// What has come of a stream and was not read yet.
#[derive(Debug, Default)]
pub struct Events {
    bytes: Vec<u8>,
}

impl Events {
    /// More of it.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// The data of the next event that is there, and has any: comments and the end of a stream have none.
    pub fn next_data(&mut self) -> Option<String> {
        while let Some(end) = self.bytes.windows(2).position(|end| end == b"\n\n") {
            let event: Vec<_> = self.bytes.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event);
            let data = event.lines().find_map(|line| line.strip_prefix("data:")).map(str::trim);
            if let Some(data) = data.filter(|data| !data.is_empty()) {
                return Some(data.to_owned());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream =
            ":\n\nevent: next\ndata: {\"a\":\"\u{e9}\"}\n\n:\n\nevent: next\ndata: 2\n\nevent: complete\ndata:\n\n";

        for size in 1..=stream.len() {
            let (mut events, mut read) = (Events::default(), Vec::new());
            for chunk in stream.as_bytes().chunks(size) {
                events.push(chunk);
                while let Some(data) = events.next_data() {
                    read.push(data);
                }
            }
            assert_eq!(read, ["{\"a\":\"\u{e9}\"}", "2"], "{size}");
        }
    }
}
