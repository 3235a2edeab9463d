//! An `ext_authz` service over gRPC, on a free port of the loopback address, on one thread.
//!
//! `contenders-sidecar cedar|rego WORLD ADDRESS` reads a world from a file, and writes where it
//! listens to another.

mod rego;

use anyhow::{Context as _, bail};
use contenders_decider::{Answer, Call, Decider, World};
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, HttpStatusCode,
};
use envoy_types::ext_authz::v3::{
    CheckResponseExt, DeniedHttpResponseBuilder, OkHttpResponseBuilder,
};
use rego::Rego;
use std::fs;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

enum Engine {
    Cedar(Decider),
    Rego(Rego),
}

struct Service(Engine);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, world, told] = arguments.as_slice() else {
        bail!("tell an engine, the file of a world, and where to write the address");
    };
    let world: World = serde_json::from_slice(&fs::read(world)?).context("the world")?;
    let engine = match engine.as_str() {
        "cedar" => Engine::Cedar(Decider::new(world)?),
        "rego" => Engine::Rego(Rego::new(world)?),
        other => bail!("there is no engine `{other}`"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // Whole or not at all: somebody waits for it.
        let unfinished = format!("{told}.part");
        fs::write(&unfinished, listener.local_addr()?.to_string())?;
        fs::rename(unfinished, told)?;
        let service = AuthorizationServer::new(Service(engine));
        let incoming = TcpListenerStream::new(listener);
        Server::builder().add_service(service).serve_with_incoming(incoming).await?;
        Ok(())
    })
}

// === impl Service ===

impl Service {
    fn answer(&self, request: &CheckRequest) -> Answer<'_> {
        let attributes = request.attributes.as_ref();
        let http = attributes.and_then(|it| it.request.as_ref()).and_then(|it| it.http.as_ref());
        let Some(http) = http else {
            return Answer::deny(403, "the proxy does not say what is asked for");
        };
        let call = Call {
            method: &http.method,
            path: &http.path,
            key: http.headers.get("x-api-key").map(String::as_str),
        };
        match &self.0 {
            Engine::Cedar(decider) => decider.decide(&call),
            Engine::Rego(rego) => rego.decide(&call),
        }
    }
}

#[tonic::async_trait]
impl Authorization for Service {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let answer = match self.answer(request.get_ref()) {
            Answer::Allow { id, owner } => {
                let mut ok = OkHttpResponseBuilder::new();
                ok.remove_header("x-api-key");
                ok.add_header("x-key-id", id, None, false);
                ok.add_header("x-owner", owner, None, false);
                let mut response = CheckResponse::with_status(Status::ok("allowed"));
                response.set_http_response(ok);
                response
            }
            Answer::Deny { status, body } => {
                let mut denied = DeniedHttpResponseBuilder::new();
                denied.set_http_status(match status {
                    401 => HttpStatusCode::Unauthorized,
                    _ => HttpStatusCode::Forbidden,
                });
                denied.add_header("content-type", "application/problem+json", None, false);
                denied.set_body(body);
                let mut response = CheckResponse::with_status(Status::permission_denied("denied"));
                response.set_http_response(denied);
                response
            }
        };
        Ok(Response::new(answer))
    }
}
