//! The mail sink: takes every mail, plain, with or without any user and password (RFC 5321).

use super::fault::{SmtpFault, SmtpStep};
use super::mail::ReceivedMail;
use super::state::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// RFC 5321, 4.5.3.1.6 asks for 1,000 octets a line; AUTH may need more.
const MAX_LINE_LEN: u64 = 12_288;
const LARGEST_MAIL: usize = 20 * 1024 * 1024;
const SILENCE: Duration = Duration::from_secs(60);

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            // A client that breaks off is its own affair.
            let _ = stop.clone().run_until_cancelled(talk(stream, &shared, &stop)).await;
        });
    }
}

/// What a step's fault leaves to do.
enum Then {
    GoOn,
    Answered,
    TakeAndEnd,
    TakeAndHang,
    End,
}

struct Dialogue<'a> {
    stream: BufReader<TcpStream>,
    shared: &'a Shared,
    stop: &'a CancellationToken,
}

impl Dialogue<'_> {
    /// A line without its end; `None` when the client is gone, silent or sends no end of line.
    async fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(MAX_LINE_LEN);
        let Ok(read) = tokio::time::timeout(SILENCE, bounded.read_until(b'\n', &mut line)).await else {
            return Ok(None);
        };
        read?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await
    }

    async fn fault(&mut self, step: SmtpStep) -> std::io::Result<Then> {
        Ok(match self.shared.write(|state| state.faults.take_smtp(step)) {
            None => Then::GoOn,
            Some(SmtpFault::Code(code, text)) => {
                self.say(&format!("{code} {text}")).await?;
                if code == 421 { Then::End } else { Then::Answered }
            }
            Some(SmtpFault::Close) => Then::End,
            Some(SmtpFault::CloseAfter) if step == SmtpStep::EndOfData => Then::TakeAndEnd,
            Some(SmtpFault::CloseAfter) => Then::End,
            Some(SmtpFault::Delay(pause)) => {
                tokio::time::sleep(pause).await;
                Then::GoOn
            }
            Some(SmtpFault::HangAfter) if step == SmtpStep::EndOfData => Then::TakeAndHang,
            Some(SmtpFault::Hang | SmtpFault::HangAfter) => {
                self.stop.cancelled().await;
                Then::End
            }
        })
    }

    /// The mail after `DATA`, dots unstuffed; `None` when it never ended or is too large.
    async fn mail(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut mail = Vec::new();
        while let Some(line) = self.line().await? {
            if line == b"." {
                return Ok(Some(mail));
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            mail.extend_from_slice(b"\r\n");
            if mail.len() > LARGEST_MAIL {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

async fn talk(stream: TcpStream, shared: &Shared, stop: &CancellationToken) -> std::io::Result<()> {
    shared.write(|state| state.sink_calls += 1);
    let mut dialogue = Dialogue { stream: BufReader::new(stream), shared, stop };
    match dialogue.fault(SmtpStep::Greeting).await? {
        Then::GoOn => dialogue.say("220 simulated mail sink").await?,
        _ => return Ok(()),
    }
    let (mut from, mut to) = (None::<String>, Vec::new());
    while let Some(line) = dialogue.line().await? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let step = match verb.as_str() {
            "EHLO" | "HELO" => Some(SmtpStep::Hello),
            "AUTH" => Some(SmtpStep::Auth),
            "MAIL" => Some(SmtpStep::MailFrom),
            "RCPT" => Some(SmtpStep::RcptTo),
            "DATA" => Some(SmtpStep::Data),
            _ => None,
        };
        if let Some(step) = step {
            match dialogue.fault(step).await? {
                Then::GoOn => {}
                Then::Answered => continue,
                Then::TakeAndEnd | Then::TakeAndHang | Then::End => return Ok(()),
            }
        }
        match verb.as_str() {
            "EHLO" => dialogue.say("250-simulated\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN").await?,
            "HELO" => dialogue.say("250 simulated").await?,
            "AUTH" => authenticate(&mut dialogue, &line).await?,
            "MAIL" => {
                from = Some(address(&line));
                to.clear();
                dialogue.say("250 ok").await?;
            }
            "RCPT" if from.is_some() => {
                to.push(address(&line));
                dialogue.say("250 ok").await?;
            }
            "DATA" if !to.is_empty() => {
                dialogue.say("354 end with a dot on a line of its own").await?;
                let Some(raw) = dialogue.mail().await? else { return Ok(()) };
                let then = dialogue.fault(SmtpStep::EndOfData).await?;
                if matches!(then, Then::GoOn | Then::TakeAndEnd | Then::TakeAndHang) {
                    let mail = ReceivedMail {
                        at: shared.now(),
                        from: from.take().unwrap_or_default(),
                        to: std::mem::take(&mut to),
                        raw: String::from_utf8_lossy(&raw).into_owned(),
                    };
                    shared.write(|state| state.mail.push(mail));
                }
                match then {
                    Then::GoOn => dialogue.say("250 taken").await?,
                    Then::Answered => {}
                    Then::TakeAndHang => dialogue.stop.cancelled().await,
                    Then::TakeAndEnd | Then::End => return Ok(()),
                }
            }
            "RCPT" | "DATA" => dialogue.say("503 say MAIL and RCPT first").await?,
            "RSET" => {
                (from, to) = (None, Vec::new());
                dialogue.say("250 ok").await?;
            }
            "NOOP" => dialogue.say("250 ok").await?,
            "QUIT" => return dialogue.say("221 bye").await,
            _ => dialogue.say("500 unknown command").await?,
        }
    }
    Ok(())
}

/// Any user and password will do; the dialogue of PLAIN and LOGIN is kept to.
async fn authenticate(dialogue: &mut Dialogue<'_>, line: &str) -> std::io::Result<()> {
    let mut words = line.split_whitespace().skip(1);
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let asked: &[&str] = match (mechanism.as_str(), words.next().is_some()) {
        ("PLAIN", true) => &[],
        ("PLAIN", false) => &[""],
        // "Username:" and "Password:" in base64.
        ("LOGIN", false) => &["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
        ("LOGIN", true) => &["UGFzc3dvcmQ6"],
        _ => return dialogue.say("504 unknown mechanism").await,
    };
    for question in asked {
        dialogue.say(&format!("334 {question}")).await?;
        if dialogue.line().await?.is_none() {
            return Ok(());
        }
    }
    dialogue.say("235 accepted").await
}

fn address(line: &str) -> String {
    match (line.find('<'), line.find('>')) {
        (Some(open), Some(close)) if open < close => line[open + 1..close].to_owned(),
        _ => line.split(':').nth(1).unwrap_or_default().trim().to_owned(),
    }
}
