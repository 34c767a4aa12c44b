//! catalog: what the shop sells, as `GET /products` and `GET /products/<sku>`.

mod http;
mod json;
mod products;

use http::{Reply, Request};
use products::Product;

const PRODUCTS: &str = include_str!("../products.tsv");
const TAX_CLASSES: &str = include_str!("../../../contracts/tax.tsv");

fn main() -> Result<(), String> {
    let products = products::read(PRODUCTS, TAX_CLASSES)?;
    let port = std::env::var("SVC_PORT").unwrap_or("8081".into());
    let address = format!("127.0.0.1:{port}");
    http::serve("catalog", &address, move |request| {
        answer(&products, request)
    })
    .map_err(|error| format!("serve on {address}: {error}"))
}

fn answer(products: &[Product], request: &Request) -> Reply {
    if request.method != "GET" {
        return Reply::refused(405, "this is a catalog: look, but do not touch");
    }
    match request.path.as_str() {
        "/healthz" => Reply::text("ok\n"),
        "/products" => Reply::json(json::list(products.iter().map(Product::to_json))),
        path => path
            .strip_prefix("/products/")
            .and_then(|sku| products.iter().find(|product| product.sku == sku))
            .map(|product| Reply::json(product.to_json()))
            .unwrap_or_else(|| Reply::refused(404, "no such product")),
    }
}
