//! Rules that change while the service runs: taken when they are good, refused as a whole when they are not.

use crate::{
    cli_fixture::{CliFixture, EVERYTHING, signal},
    service_process::{SERVICE, ServiceProcess},
};
use serde_json::Value;

async fn rules_of(service: &ServiceProcess) -> Value {
    let (_, status) = service.get("/api/v1/status").await;
    serde_json::from_str::<Value>(&status).unwrap()["rules"].clone()
}

/// What an editor does that puts a new file in the old one's place.
fn replace(place: &CliFixture, text: &str) {
    place.write("rules.new", text);
    std::fs::rename(place.path().join("rules.new"), place.path().join("rules/rules.yaml")).unwrap();
}

#[tokio::test]
async fn files_that_change_are_taken_or_refused_as_a_whole() {
    let place = CliFixture::new(EVERYTHING).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let first = rules_of(&service).await;
    assert!(first["error"].is_null());

    // A mistake, and a test that fails: the old rules stay, and the status says why.
    let failing = "tests:\n  - { name: no way, messages: [Hi], expect: { rules: [book-a-call] } }\n";
    let steps = |expect: &str| {
        format!(
            "tests:\n  - name: in steps\n    thread: {{ category: not_interested }}\n    messages: [Hi]\n    steps:\n      \
             - then_lead_writes: No.\n        expect: {{ {expect} }}\n"
        )
    };
    for (text, why) in [
        (EVERYTHING.replace("category: interested", "categroy: interested"), "categroy"),
        (format!("{EVERYTHING}{failing}"), "the test “no way” fails"),
        (
            format!("{EVERYTHING}{}", steps("sent: [star]")),
            "the test “in steps” fails in step 1: sent: expected [star], actual [unstar]",
        ),
    ] {
        replace(&place, &text);
        let said = service.wait_for_log("reload rejected").await;
        assert!(said.contains(why), "{said}");
        let rules = rules_of(&service).await;
        assert_eq!(rules["revision"], first["revision"]);
        assert!(rules["error"].as_str().unwrap().contains("rules/rules.yaml:"), "{rules}");
        assert!(rules["error"].as_str().unwrap().contains(why), "{rules}");
    }

    // A good change is taken, and a second file is found. What is played for its tests is no news of the service.
    replace(&place, &format!("{}{}", EVERYTHING.replace("not-now", "never"), steps("states: { unstar: done }")));
    service.wait_for_log("rules loaded").await;
    let second = rules_of(&service).await;
    assert!(second["error"].is_null() && second["revision"] != first["revision"], "{second}");
    place.write("rules/more/more.yaml", "rules: [{ name: more, when: always, then: [star] }]\n");
    service.wait_for_log("\"rules\":3").await;

    // SIGHUP reads them too; what has not changed stays as it is.
    let third = rules_of(&service).await;
    signal("-HUP", service.id());
    std::fs::remove_dir_all(place.path().join("rules/more")).unwrap();
    service.wait_for_log("\"rules\":2").await;
    assert_eq!(rules_of(&service).await["revision"], second["revision"]);
    assert_ne!(third["revision"], second["revision"]);
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn a_file_that_is_written_all_the_time_keeps_no_change_waiting() {
    let place = CliFixture::new(EVERYTHING).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let first = rules_of(&service).await;
    let noise = place.path().join("rules/noise.txt");
    let writing = tokio::spawn(async move {
        for number in 0_u64.. {
            std::fs::write(&noise, number.to_string().repeat(3)).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    replace(&place, &EVERYTHING.replace("not-now", "never"));
    service.wait_for_log("rules loaded").await;
    assert_ne!(rules_of(&service).await["revision"], first["revision"]);
    writing.abort();
}
