//! Rust's reqwest: `Identity::from_pem` with rustls, its default; `Identity::from_pkcs12_der` with native-tls for a PFX.
use reqwest::{Certificate, Client, Identity, Proxy};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
struct NoWay(&'static str);

impl std::fmt::Display for NoWay {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(self.0)
    }
}

impl Error for NoWay {}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() {
    let mut clients = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let op: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let answer = match perform(&op, &mut clients).await {
            Ok(answer) => answer,
            Err(error) => match error.downcast_ref::<NoWay>() {
                Some(reason) => json!({ "noWay": reason.0 }),
                // What `fn main() -> Result` prints.
                None => json!({ "told": format!("{error:?}"), "logged": format!("{error:?}") }),
            },
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}

async fn perform(op: &Value, clients: &mut HashMap<String, Client>) -> Outcome<Value> {
    let id = op["id"].as_str().unwrap().to_string();
    match op["op"].as_str().unwrap() {
        "client" => {
            clients.insert(id, create(op)?);
            Ok(json!({}))
        }
        "get" => Ok(json!({ "status": get(&clients[&id], text(op, "url").unwrap()).await? })),
        _ => measure(clients[&id].clone(), op).await,
    }
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of[name].as_str()
}

fn create(op: &Value) -> Outcome<Client> {
    let certificate = &op["certificate"];
    let mut builder = Client::builder().timeout(Duration::from_secs(20)).no_proxy();
    if let Some(ca) = text(op, "ca") {
        builder = builder.add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?);
    }
    if let Some(proxy) = text(op, "proxy") {
        builder = builder.proxy(Proxy::all(proxy)?);
    }
    let passphrase = text(certificate, "passphrase");
    if text(certificate, "jks").is_some() {
        return Err(Box::new(NoWay("Identity::from_pem, or from_pkcs12_der")));
    }
    if let Some(pfx) = text(certificate, "pfx") {
        let identity = Identity::from_pkcs12_der(&std::fs::read(pfx)?, passphrase.unwrap_or(""))?;
        builder = builder.tls_backend_native().identity(identity);
    } else if let Some(file) = text(certificate, "cert").or(text(certificate, "p7b")) {
        if passphrase.is_some() {
            return Err(Box::new(NoWay("Identity::from_pem takes no passphrase")));
        }
        let mut pem = std::fs::read(text(certificate, "key").unwrap())?;
        pem.extend(std::fs::read(file)?);
        builder = builder.tls_backend_rustls().identity(Identity::from_pem(&pem)?);
    }
    Ok(builder.build()?)
}

async fn get(client: &Client, url: &str) -> Outcome<u16> {
    let response = client.get(url).send().await?;
    let status = response.status().as_u16();
    response.bytes().await?;
    Ok(status)
}

async fn measure(client: Client, op: &Value) -> Outcome<Value> {
    let url = text(op, "url").unwrap().to_string();
    let (began, start) = (cpu(), Instant::now());
    let end = start + Duration::from_secs_f64(op["seconds"].as_f64().unwrap());
    let requests = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..op["concurrency"].as_u64().unwrap() {
        let (client, url, requests) = (client.clone(), url.clone(), requests.clone());
        tasks.spawn(async move {
            while Instant::now() < end {
                let status = get(&client, &url).await?;
                if status != 200 {
                    return Err(format!("status {status}").into());
                }
                requests.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(json!({
        "requests": requests.load(Ordering::Relaxed),
        "seconds": start.elapsed().as_secs_f64(),
        "cpu": cpu() - began,
    }))
}

fn cpu() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
