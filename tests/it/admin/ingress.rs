//! The routes that `examples/deploy/kubernetes/` lets in from outside.

use super::AdminFixture;
use crate::fixture::FixtureOptions;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

#[tokio::test]
async fn the_ingress_leads_to_every_route_but_the_probes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/kubernetes/service.yaml");
    let text = fs::read_to_string(file).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|found| Value::deserialize(found).unwrap());
    let ingress = documents.into_iter().find(|found| found["kind"] == "Ingress").unwrap();
    let paths = ingress["spec"]["rules"][0]["http"]["paths"].as_array().unwrap();
    let open: BTreeSet<String> = paths.iter().map(|found| found["path"].as_str().unwrap().to_owned()).collect();
    let admin = AdminFixture::new(FixtureOptions::default()).await;
    let description = admin.get("/openapi.json").await.json();
    let (mut wanted, mut probes) = (BTreeSet::from(["/openapi.json".to_owned()]), BTreeSet::new());
    for (path, methods) in description["paths"].as_object().unwrap() {
        let first = format!("/{}", path.split('/').nth(1).unwrap());
        let is_probe = methods.as_object().unwrap().values().any(|method| method["tags"][0] == "probes");
        if is_probe {
            probes.insert(first)
        } else {
            wanted.insert(first)
        };
    }
    assert_eq!(open, wanted);
    assert_eq!(probes.into_iter().collect::<Vec<_>>(), ["/healthz", "/metrics", "/readyz"]);
}
