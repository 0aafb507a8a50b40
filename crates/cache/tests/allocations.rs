//! What a hit costs in allocations. A binary of its own: the counter replaces the allocator.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cache::{
    CacheLayer, CachePolicy, CacheRequestBody, MemoryOptions, MemoryProvider, RouteCacheSettings,
    TokioSpawn,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, service_fn};

#[test]
fn a_hit_allocates_its_header_map_and_little_more() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now));
        let policy = CachePolicy::compile("all", &RouteCacheSettings::default(), &[""; 0]);
        let inner = service_fn(async |_: Request<CacheRequestBody<Empty<Bytes>>>| {
            let response = Response::builder().header("content-type", "text/plain");
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from("body"))).unwrap())
        });
        let mut service = CacheLayer::with_policy(store, policy)
            .executor(TokioSpawn)
            .layer(inner);
        let request = || {
            let request = Request::get("/products?page=1&size=2").header("host", "example.com");
            request.body(Empty::<Bytes>::new()).unwrap()
        };
        let miss = service.call(request()).await.unwrap();
        miss.into_body().collect().await.unwrap();
        // The first hit takes memory that the later ones use again.
        service.call(request()).await.unwrap();

        let hits = 20;
        let requests: Vec<_> = (0..hits).map(|_| request()).collect();
        let mut count = 0;
        for request in requests {
            let call = service.call(request);
            // Polled by hand, so that only the cache is counted.
            let mut call = std::pin::pin!(call);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let counted = allocation_counter::measure(|| {
                let polled = call.as_mut().poll(&mut cx);
                assert!(polled.is_ready());
                drop(polled);
            });
            count += counted.count_total;
        }
        assert_eq!(
            count,
            2 * hits,
            "writing an answer: the two parts of its header map"
        );

        let requests: Vec<_> = (0..hits).map(|_| request()).collect();
        let counted = allocation_counter::measure(|| {
            for request in requests {
                drop(service.call(request));
            }
        });
        assert!(
            counted.count_total <= 1,
            "deciding: {} for {hits} hits",
            counted.count_total
        );
    });
}
