//! What packagers and shells take: completion scripts and manual pages.

use crate::cli_fixture::{binary, run, run_tool};
use std::{collections::BTreeSet, fs, process::Command};

#[tokio::test]
async fn completions_name_every_command_and_bash_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(binary(folder.path(), &["completions", shell])).await.assert_exit(0).out;
        for word in ["preview", "completions", "dry-run", "log-format"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        if shell == "bash" {
            let path = folder.path().join("reply-router.bash");
            fs::write(&path, script).unwrap();
            run_tool("bash", "bash", &["-n", path.to_str().unwrap()]);
        }
    }
    let refused = run(binary(folder.path(), &["completions", "tcl"])).await.assert_exit(2);
    assert!(refused.err.contains("bash, elvish, fish, powershell, zsh"), "{}", refused.err);
}

#[tokio::test]
async fn there_is_a_manual_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let page = run(binary(folder.path(), &["man"])).await.assert_exit(0).out;
    assert!(page.contains(".TH reply-router 1") && page.contains("COMMANDS"), "{page}");
    run(binary(folder.path(), &["man", "share/man1"])).await.assert_exit(0).assert_prints(&["share/man1"]);
    let pages = folder.path().join("share/man1");
    let names = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    let help = run(binary(folder.path(), &["--help"])).await.assert_exit(0).out;
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("   "));
    let commands = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let below = ["events-export", "opt-outs-export", "opt-outs-import", "store-compact", "store-copy"];
    let wanted = commands.chain(below).map(|name| format!("reply-router-{name}.1"));
    assert_eq!(names, wanted.chain(["reply-router.1".to_owned()]).collect());
    let explain = fs::read_to_string(pages.join("reply-router-explain.1")).unwrap();
    assert!(explain.contains("as\\-test") && explain.contains("REPLY_ROUTER_CONFIG"), "{explain}");
    // Where the machine can show manual pages, it shows these without a complaint.
    let Ok(shown) = Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(pages.join("reply-router.1")).output()
    else {
        return;
    };
    assert!(shown.status.success() && shown.stderr.is_empty(), "{}", String::from_utf8_lossy(&shown.stderr));
}
