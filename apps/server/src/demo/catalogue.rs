//! The demo's products, in memory.
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The validator of the list as it is when the process starts.
pub(super) const FIRST_VERSION: &str = "\"products-1\"";

/// The most products that a client can make the demo hold.
const PRODUCTS_MAX: usize = 1_000;

/// One product.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Product {
    id: u64,
    name: String,
    price_cents: u64,
}

/// A product as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    name: String,
    price_cents: u64,
}

/// Why a product could not be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is none with this id.
    Unknown,
    /// There are too many already.
    Full,
}

#[derive(Debug)]
struct Held {
    products: BTreeMap<u64, Product>,
    next: u64,
    version: u64,
}

/// All products, shared by the demo's connections.
#[derive(Clone, Debug)]
pub(super) struct Catalogue(Arc<Mutex<Held>>);

impl Catalogue {
    pub(super) fn shared() -> Self {
        let names = [
            ("Kettle", 3_900),
            ("Teapot", 2_450),
            ("Cup", 890),
            ("Saucer", 650),
            ("Tray", 1_975),
        ];
        let products = names.into_iter().zip(1..);
        let products = products.map(|((name, price_cents), id)| {
            (
                id,
                Product {
                    id,
                    name: name.to_owned(),
                    price_cents,
                },
            )
        });
        let products: BTreeMap<_, _> = products.collect();
        let next = products.len() as u64 + 1;
        Self(Arc::new(Mutex::new(Held {
            products,
            next,
            version: 1,
        })))
    }

    /// All products, and the list's validator.
    pub(super) fn all(&self) -> (Vec<Product>, String) {
        let held = self.0.lock();
        (
            held.products.values().cloned().collect(),
            format!("\"products-{}\"", held.version),
        )
    }

    pub(super) fn one(&self, id: u64) -> Option<Product> {
        self.0.lock().products.get(&id).cloned()
    }

    pub(super) fn create(&self, draft: Draft) -> Result<Product, Refused> {
        let mut held = self.0.lock();
        if held.products.len() >= PRODUCTS_MAX {
            return Err(Refused::Full);
        }
        let id = held.next;
        let product = Product {
            id,
            name: draft.name,
            price_cents: draft.price_cents,
        };
        held.next += 1;
        held.version += 1;
        held.products.insert(id, product.clone());
        Ok(product)
    }

    pub(super) fn replace(&self, id: u64, draft: Draft) -> Result<Product, Refused> {
        let mut held = self.0.lock();
        let product = held.products.get_mut(&id).ok_or(Refused::Unknown)?;
        product.name = draft.name;
        product.price_cents = draft.price_cents;
        let product = product.clone();
        held.version += 1;
        Ok(product)
    }

    pub(super) fn remove(&self, id: u64) -> Result<(), Refused> {
        let mut held = self.0.lock();
        held.products.remove(&id).ok_or(Refused::Unknown)?;
        held.version += 1;
        Ok(())
    }
}
