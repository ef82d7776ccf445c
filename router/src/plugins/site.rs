//! The files of a built web page. All are read once, at start-up, and only they are served: no path leads out of their
//! directory. Where `x.js.br` or `x.js.gz` exists beside `x.js`, a client that accepts the encoding gets that one.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
};

use futures::stream;
use hive_router::{
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    ntex::{
        http::{HeaderMap as RequestHeaders, Response, ResponseBuilder},
        util::Bytes,
    },
};

pub const INDEX_PATH: &str = "/index.html";
pub const CACHE_NEVER: &str = "no-store";
/// Vite puts a hash of the content into these names.
const HASHED_ASSETS: &str = "/assets/";

/// The files of a page, by their path on it.
pub type Files = HashMap<String, File>;

/// Whether a request only reads.
pub fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

pub struct File {
    content_type: &'static str,
    cache: &'static str,
    /// The content security policy.
    policy: &'static str,
    tag: HeaderValue,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

impl File {
    pub fn new(path: &str, plain: Bytes, policy: &'static str) -> Self {
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        let tag = format!("\"{:x}\"", hasher.finish());
        Self {
            content_type: content_type(path),
            cache: cache_control(path),
            policy,
            tag: HeaderValue::from_str(&tag).expect("hexadecimal digits are a header value"),
            plain,
            brotli: None,
            gzip: None,
        }
    }

    /// The file, in no cache.
    pub fn never_cached(self) -> Self {
        Self { cache: CACHE_NEVER, ..self }
    }

    pub fn respond(&self, request: &RequestHeaders) -> Response {
        let known = self.is_known(request);
        let mut response = ResponseBuilder::new(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        for (name, value) in &self.headers() {
            response.header(name, value);
        }
        if known {
            return response.finish();
        }
        let Some((encoding, body)) = self.encoded(request) else {
            return response.body(self.plain.clone());
        };
        response.header(CONTENT_ENCODING, encoding);
        // Streamed, because hive-router would compress a body of known size again.
        response.streaming(stream::iter([Ok::<_, io::Error>(body)]))
    }

    /// Whether the client has it. Tags are compared weakly: a proxy may have compressed the file (RFC 9110, 13.1.2).
    fn is_known(&self, request: &RequestHeaders) -> bool {
        let tags = request.get_all(IF_NONE_MATCH).filter_map(|tags| tags.to_str().ok());
        let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.tag.as_bytes())
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = headers(self.content_type, self.cache, self.policy);
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers
    }

    fn encoded(&self, request: &RequestHeaders) -> Option<(&'static str, Bytes)> {
        let variants = [("br", &self.brotli), ("gzip", &self.gzip)];
        variants.into_iter().find_map(|(encoding, body)| {
            let body = body.as_ref()?;
            accepts(request, encoding).then(|| (encoding, body.clone()))
        })
    }
}

pub fn headers(content_type: &'static str, cache: &'static str, policy: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ])
}

fn accepts(request: &RequestHeaders, encoding: &str) -> bool {
    let accepted = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case(encoding) && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn cache_control(path: &str) -> &'static str {
    if path.starts_with(HASHED_ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("wasm") => "application/wasm",
        Some("txt" | "graphql") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Reads all files, which browsers get with this content security policy. A missing directory has none, and symbolic
/// links are not followed.
pub fn read(directory: &Path, policy: &'static str) -> io::Result<Files> {
    let mut contents = HashMap::new();
    if directory.is_dir() {
        read_directory(directory, "", &mut contents)?;
    }

    let mut files = HashMap::new();
    for (path, content) in &contents {
        if is_variant(path, &contents) {
            continue;
        }
        let mut file = File::new(path, content.clone(), policy);
        file.brotli = contents.get(&format!("{path}.br")).cloned();
        file.gzip = contents.get(&format!("{path}.gz")).cloned();
        files.insert(path.clone(), file);
    }
    Ok(files)
}

fn is_variant(path: &str, contents: &HashMap<String, Bytes>) -> bool {
    [".br", ".gz"].iter().filter_map(|end| path.strip_suffix(end)).any(|plain| contents.contains_key(plain))
}

fn read_directory(directory: &Path, prefix: &str, contents: &mut HashMap<String, Bytes>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_directory(&entry.path(), &path, contents)?;
        } else if kind.is_file() {
            contents.insert(path, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_with_their_compressed_variants() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        fs::create_dir(directory.path().join("assets")).expect("it can be written to");
        for (name, content) in [("index.html", "page"), ("assets/a.js", "script"), ("assets/a.js.br", "small")] {
            fs::write(directory.path().join(name), content).expect("it can be written to");
        }

        std::os::unix::fs::symlink("/etc/hostname", directory.path().join("outside.txt"))
            .expect("it can be written to");
        std::os::unix::fs::symlink("/etc", directory.path().join("etc")).expect("it can be written to");

        let files = read(directory.path(), "").expect("it can be read");

        assert_eq!(files.len(), 2, "symbolic links are not followed");
        assert_eq!(files["/index.html"].cache, "no-cache");
        let script = &files["/assets/a.js"];
        assert_eq!(script.content_type, "text/javascript; charset=utf-8");
        assert!(script.cache.contains("immutable"));
        assert_eq!(script.brotli.as_deref(), Some("small".as_bytes()));
    }

    #[test]
    fn a_directory_that_is_missing_has_no_files() {
        let files = read(Path::new("no/such/directory"), "").expect("this is no error");

        assert!(files.is_empty());
    }

    #[test]
    fn an_encoding_can_be_declined() {
        let mut headers = RequestHeaders::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br;q=0").into());

        assert!(accepts(&headers, "gzip"));
        assert!(!accepts(&headers, "br"));
    }
}
