//! The pages in a real browser: what people do with them, how they look, and whether everybody can use them.
//!
//! One browser for what people do and one for how it looks: starting one takes longer than what is tried in it.

mod driver;
mod seed;
mod visual;
mod workflows;

use crate::{
    admin::rule_files::FilesInMemory,
    fixture::{Fixture, FixtureOptions},
};
use driver::Browser;
use reply_router::admin::{self, Access, AccessSettings, AdminSettings};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A fixture whose pages are served on a port of this machine.
struct BrowserFixture {
    fixture: Fixture,
    url: String,
    closing: CancellationToken,
}

impl BrowserFixture {
    async fn new(setting: FixtureOptions) -> Self {
        let setting_rules = setting.rules;
        let fixture = Fixture::new(setting).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let settings = AdminSettings {
            listen: at,
            access: Access::new(AccessSettings { token: Some(TOKEN.to_owned().into()), ..AccessSettings::default() }),
            public_url: None,
            hook_tokens: Default::default(),
        };
        let files = Arc::new(FilesInMemory::new(setting_rules));
        let router = admin::router(Arc::clone(&fixture.engine), settings, Some(files));
        let closing = CancellationToken::new();
        tokio::spawn(admin::serve(listener, router, closing.clone()));
        Self { fixture, url: format!("http://{at}"), closing }
    }

    /// Opens a page as somebody who has signed in.
    async fn open(&self, browser: &Browser, path: &str) {
        browser.go(&format!("{}{path}", self.url)).await;
        if browser.url().await.ends_with("/login") {
            browser.fill("#token", TOKEN).await;
            browser.click("button").await;
            browser.wait_until("the sign-in is left", "return location.pathname === '/'").await;
            browser.go(&format!("{}{path}", self.url)).await;
        }
    }
}

impl Drop for BrowserFixture {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}
