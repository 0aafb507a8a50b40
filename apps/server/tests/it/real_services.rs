//! In front of services that nobody here wrote: Python's file server and nginx.
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::client::{ask, get, get_with};
use crate::program::{Program, until};

/// A process that is ended when it is dropped.
struct Service {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Service {
    fn start(make: impl Fn(&Path, u16) -> Command) -> Self {
        // The port is free now; whoever takes it in between makes this start anew.
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind(("127.0.0.1", 0))
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut command = make(folder.path(), port);
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| {
                    panic!("{command:?}: {error}; `cargo xtask setup` installs what tests need")
                });
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let mut ended = false;
            until(|| {
                ended = child.try_wait().unwrap().is_some();
                ended || TcpStream::connect(address).is_ok()
            });
            if !ended {
                return Self {
                    child,
                    address,
                    _folder: folder,
                };
            }
        }
        panic!("no port could be had");
    }

    fn python() -> Self {
        Self::start(|folder, port| {
            fs::write(folder.join("hello.txt"), "hello from a file\n").unwrap();
            let mut command = Command::new("python3");
            command
                .args([
                    "-m",
                    "http.server",
                    "--bind",
                    "127.0.0.1",
                    &port.to_string(),
                ])
                .current_dir(folder);
            command
        })
    }

    fn nginx() -> Self {
        Self::start(|folder, port| {
            fs::create_dir(folder.join("files")).unwrap();
            fs::write(folder.join("files/big.bin"), vec![b'x'; 3 << 20]).unwrap();
            fs::write(folder.join("files/page.html"), "<p>page").unwrap();
            let at = folder.display();
            let configuration = format!(
                "daemon off;\npid {at}/nginx.pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\nhttp {{\n  access_log off;\n  client_body_temp_path {at}/body;\n  proxy_temp_path {at}/proxy;\n  fastcgi_temp_path {at}/fastcgi;\n  uwsgi_temp_path {at}/uwsgi;\n  scgi_temp_path {at}/scgi;\n  server {{\n    listen 127.0.0.1:{port};\n    root {at}/files;\n    location /echo {{ return 200 \"$request_method $request_uri $http_x_forwarded_for\"; }}\n    location /kept {{ expires 1h; try_files /page.html =404; }}\n  }}\n}}\n"
            );
            fs::write(folder.join("nginx.conf"), configuration).unwrap();
            // As root nginx would serve as another user, who may not enter the folder.
            let mut command = Command::new(if Path::new("/usr/sbin/nginx").exists() {
                "/usr/sbin/nginx"
            } else {
                "nginx"
            });
            command
                .arg("-c")
                .arg(folder.join("nginx.conf"))
                .args(["-g", &format!("user {};", user())]);
            command
        })
    }
}

/// The name of the user that runs the tests.
fn user() -> String {
    let name = Command::new("id").arg("-un").output().unwrap().stdout;
    String::from_utf8(name).unwrap().trim().to_owned()
}

impl Drop for Service {
    fn drop(&mut self) {
        // nginx's workers end with their master only where it is asked to stop.
        let _ = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

fn in_front_of(service: &Service, arguments: &[&str]) -> Program {
    let url = format!("http://{}", service.address);
    let arguments: Vec<_> = ["--upstream", &url]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    Program::start("", &arguments, &[])
}

#[test]
fn a_folder_of_files_behind_python() {
    let service = Service::python();
    let program = in_front_of(&service, &[]);
    let file = get(program.gateway, "/hello.txt");
    assert_eq!((file.status, file.text()), (200, "hello from a file\n"));
    let since = file.field("last-modified").unwrap().to_owned();
    assert_eq!(
        get_with(
            program.gateway,
            "/hello.txt",
            &format!("if-modified-since: {since}\r\n")
        )
        .status,
        304
    );
    let missing = get(program.gateway, "/none.txt");
    assert_eq!(missing.status, 404);
    assert_eq!(
        missing.field("proxy-status"),
        None,
        "the upstream's own error passes as it is"
    );
    let list = get(program.gateway, "/");
    assert!(list.text().contains("hello.txt"));
    // The catch-all takes the probes of the main listener; the admin listener has them.
    assert_eq!(get(program.gateway, "/health/ready").status, 404);
    assert_eq!(get(program.admin, "/health/ready").status, 200);
    until(|| {
        program
            .log()
            .contains("route upstream takes the probe /health/ready")
    });
}

#[test]
fn with_a_lifetime_what_the_upstream_leaves_open_is_stored() {
    let service = Service::python();
    let program = in_front_of(&service, &["--ttl", "60s"]);
    assert_eq!(
        get(program.gateway, "/hello.txt").field("x-cache"),
        Some("MISS")
    );
    let hit = get(program.gateway, "/hello.txt");
    assert_eq!(
        (hit.field("x-cache"), hit.text()),
        (Some("HIT"), "hello from a file\n")
    );
    let etag = hit.field("etag").unwrap();
    assert_eq!(
        get_with(
            program.gateway,
            "/hello.txt",
            &format!("if-none-match: {etag}\r\n")
        )
        .status,
        304
    );
}

#[test]
fn nginx_behind_the_gateway() {
    let service = Service::nginx();
    let program = in_front_of(&service, &[]);
    let big = get(program.gateway, "/big.bin");
    assert_eq!((big.status, big.body.len()), (200, 3 << 20));
    let part = get_with(program.gateway, "/big.bin", "range: bytes=0-9\r\n");
    assert_eq!((part.status, part.body.len()), (206, 10));
    assert_eq!(
        get(program.gateway, "/echo?b=2&a=1").text(),
        "GET /echo?a=1&b=2 127.0.0.1"
    );
    let post = ask(
        program.gateway,
        "POST /echo?b=2&a=1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc",
    );
    assert_eq!(post.text(), "POST /echo?b=2&a=1 127.0.0.1");
    // What its own fields allow is stored without a lifetime of ours.
    assert_eq!(get(program.gateway, "/kept").field("x-cache"), Some("MISS"));
    assert_eq!(get(program.gateway, "/kept").field("x-cache"), Some("HIT"));
}
