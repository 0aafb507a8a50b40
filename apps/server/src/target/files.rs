//! A folder's files: ranges, conditional requests and media types by tower-http, the folder's bounds here.
use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, HOST, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use tower_http::services::ServeDir;
use tower_http::services::fs::{
    Backend, DefaultServeDirFallback, ServeFileSystemResponseBody, TokioBackend, TokioFile,
};

use super::range::Wanted;
use super::rewrite::with_path;

/// The body of a file.
pub type FilesBody = ServeFileSystemResponseBody;

/// The answer of a folder.
pub(super) type Answer = Pin<Box<dyn Future<Output = Response<FilesBody>> + Send>>;

/// tower-http's service of a folder.
pub(super) type Folder = ServeDir<DefaultServeDirFallback, Contained>;

/// A folder that is served.
#[derive(Clone, Debug)]
pub struct Files {
    folder: Folder,
    index: String,
}

impl Files {
    /// A folder that must exist; the error names it.
    pub fn open(dir: &Path, index: &str) -> io::Result<Self> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", dir.display()));
        let root = dir.canonicalize().map_err(named)?;
        if !root.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                format!("{} is no folder", dir.display()),
            ));
        }
        let contained = Contained {
            root: Arc::from(root.as_path()),
            inner: TokioBackend,
        };
        Ok(Self {
            folder: ServeDir::with_backend(root, contained),
            index: index.to_owned(),
        })
    }

    pub(super) fn answer<A>(&self, request: &Request<A>) -> Answer {
        if !matches!(*request.method(), http::Method::GET | http::Method::HEAD) {
            let mut response = Response::new(FilesBody::default());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Box::pin(ready(response));
        }
        let mut asked = Request::new(Empty::<Bytes>::new());
        *asked.method_mut() = request.method().clone();
        asked.headers_mut().clone_from(request.headers());
        asked.headers_mut().remove(HOST);
        let path = request.uri().path();
        let indexed = path
            .ends_with('/')
            .then(|| with_path(request.uri(), &format!("{path}{}", self.index)));
        *asked.uri_mut() = indexed.flatten().unwrap_or_else(|| request.uri().clone());
        let wanted = Wanted::take(&mut asked);
        let mut folder = self.folder.clone();
        let query = request.uri().query().map(str::to_owned);
        Box::pin(async move {
            if let Some(wanted) = wanted {
                wanted.put_back(&mut folder, &mut asked).await;
            }
            match folder.try_call(asked).await {
                Ok(response) => relative(response, query.as_deref()),
                Err(error) => unread(&error),
            }
        })
    }
}

fn unread(error: &io::Error) -> Response<FilesBody> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let mut response = Response::new(FilesBody::default());
    *response.status_mut() = match error.kind() {
        // What may not be read is no more there than what is not.
        NotADirectory | NotFound | PermissionDenied => StatusCode::NOT_FOUND,
        _ => {
            tracing::warn!(%error, "a file could not be read");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    response
}

/// A folder without its slash is sent to the one with it. The path that the folder saw may be a rewritten
/// one, so the client is sent there relative to its own.
fn relative(mut response: Response<FilesBody>, query: Option<&str>) -> Response<FilesBody> {
    let to = response
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok()?.parse::<Uri>().ok());
    let Some(to) = to.filter(|_| response.status().is_redirection()) else {
        return response;
    };
    let last = to
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("");
    let mut place = format!("./{last}/");
    if let Some(query) = query {
        place.push('?');
        place.push_str(query);
    }
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// Opens only what lies in the folder once every symbolic link is followed.
#[derive(Clone, Debug)]
pub(super) struct Contained {
    root: Arc<Path>,
    inner: TokioBackend,
}

impl Contained {
    async fn within(self, path: PathBuf) -> io::Result<PathBuf> {
        let real = tokio::fs::canonicalize(path).await?;
        if real.starts_with(&self.root) {
            return Ok(real);
        }
        // As for a file that does not exist: what lies outside is nobody's to learn.
        Err(io::ErrorKind::NotFound.into())
    }
}

type Opening<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Backend for Contained {
    type File = TokioFile;
    type Metadata = std::fs::Metadata;
    type OpenFuture = Opening<TokioFile>;
    type MetadataFuture = Opening<std::fs::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let this = self.clone();
        Box::pin(async move {
            let real = this.clone().within(path).await?;
            // Opening a pipe would wait for whoever writes to it.
            if !tokio::fs::metadata(&real).await?.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            this.inner.open(real).await
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let this = self.clone();
        Box::pin(async move {
            let real = this.clone().within(path).await?;
            this.inner.metadata(real).await
        })
    }
}
