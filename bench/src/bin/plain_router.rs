//! hive-router as it comes, without a plugin of ours: its own `main`, with the version that Lyceum's router is made of.

// Its middlewares are deep types.
#![recursion_limit = "256"]

use hive_router::{
    PluginRegistry, RouterGlobalAllocator, configure_global_allocator, error::RouterInitError,
    init_rustls_crypto_provider, ntex, router_entrypoint,
};

configure_global_allocator!();

#[hive_router::main]
async fn main() -> Result<(), RouterInitError> {
    init_rustls_crypto_provider();
    router_entrypoint(PluginRegistry::new()).await
}
