//! `urm health`: a container's health command.
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Arguments;
use super::report::{print, tell};
use crate::config;
use crate::settings::AdminPort;

/// Under the kubelet's own default of a second, doubled for a machine under load.
const TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Asks the readiness probe; 0 when it says 200, else 1.
pub(super) fn health(url: Option<&str>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let url = match url {
        Some(url) => url.to_owned(),
        None => of_configuration(arguments)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = runtime.block_on(async { tokio::time::timeout(TIMEOUT, ask(&url)).await });
    let (ready, text) =
        asked.map_err(|_| anyhow::anyhow!("{url}: no answer in {} s", TIMEOUT.as_secs()))??;
    if ready {
        print(text.trim_end());
        Ok(ExitCode::SUCCESS)
    } else {
        tell(text.trim_end());
        Ok(ExitCode::FAILURE)
    }
}

fn of_configuration(arguments: &Arguments) -> anyhow::Result<String> {
    let loaded = config::load(arguments)?;
    let admin = &loaded.settings.admin;
    let AdminPort::Port(port) = admin.port else {
        bail!(
            "admin.port is \"off\": say which listener to ask with --url http://HOST:PORT/health/ready"
        );
    };
    if port == 0 {
        bail!(
            "admin.port is 0, so the system chose it: say which with --url http://HOST:PORT/health/ready"
        );
    }
    // An address that stands for all of the machine's is asked on loopback.
    let host = match admin.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    if host.contains(':') && !host.starts_with('[') {
        return Ok(format!("http://[{host}]:{port}/health/ready"));
    }
    Ok(format!("http://{host}:{port}/health/ready"))
}

async fn ask(url: &str) -> anyhow::Result<(bool, String)> {
    let uri: Uri = url
        .parse()
        .with_context(|| format!("{url:?} is no address"))?;
    if uri.scheme_str() != Some("http") {
        bail!("{url:?} is no address such as http://127.0.0.1:3001/health/ready");
    }
    let Some(authority) = uri.authority().cloned() else {
        bail!("{url:?} names no host");
    };
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await;
    let stream = stream.with_context(|| format!("cannot reach {authority}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Driven until the answer stands; the process ends right after.
    tokio::spawn(connection);
    let path = match uri.path() {
        "" | "/" => "/health/ready",
        path => path,
    };
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .body(Empty::<Bytes>::new())?;
    let response = sender
        .send_request(request)
        .await
        .with_context(|| format!("{url} did not answer"))?;
    let ready = response.status().is_success();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body
        .map_err(|error| anyhow::anyhow!("{url}: {error}"))?
        .to_bytes();
    Ok((ready, String::from_utf8_lossy(&body).into_owned()))
}
