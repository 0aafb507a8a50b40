//! nginx and HAProxy, with the settings that one would give them for the same work.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::process::{Process, free_port, installed};

/// One worker, kept connections to the origin, buffers that hold a large piece and never a file, and a cache on disk whose files stay open (their pages are in the
/// kernel's cache, and `sendfile` sends them).
pub(crate) fn nginx(folder: &Path, origin: SocketAddr) -> Option<Process> {
    let program = installed("nginx")?;
    let address = free_port();
    let at = folder.display();
    fs::create_dir_all(folder).unwrap();
    let config = format!(
        "worker_processes 1; daemon off; pid {at}/pid; error_log {at}/errors crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
  proxy_cache_path {at}/cache levels=1:2 keys_zone=stored:64m max_size=4g inactive=1d use_temp_path=off;
  open_file_cache max=20000 inactive=1d; open_file_cache_valid 1d;
  upstream origin {{ server {origin}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {address};
    proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;
    proxy_buffers 16 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
    location /live/ {{ proxy_pass http://origin; }}
    location /cached/ {{ proxy_pass http://origin; proxy_cache stored; proxy_cache_valid 200 1h; }}
  }}
}}
"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(file);
    Some(Process::peer(&mut command, address))
}

/// One thread, connections to the origin used by all, and its cache in memory.
pub(crate) fn haproxy(folder: &Path, origin: SocketAddr) -> Option<Process> {
    let program = installed("haproxy")?;
    let address = free_port();
    fs::create_dir_all(folder).unwrap();
    let config = format!(
        "global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  option http-keep-alive
  http-reuse always
cache stored
  total-max-size 1024
  max-object-size 1048576
  max-age 3600
frontend front
  bind {address}
  use_backend cached if {{ path_beg /cached/ }}
  default_backend live
backend live
  server origin {origin}
backend cached
  http-request cache-use stored
  http-response cache-store stored
  server origin {origin}
"
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.arg("-f").arg(file);
    Some(Process::peer(&mut command, address))
}
