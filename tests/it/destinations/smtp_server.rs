//! A small SMTP server that keeps what it accepts and says what a test tells it to.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A mail as it was accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct Accepted {
    pub(super) to: Vec<String>,
    pub(super) data: String,
}

/// What the server answers at a step instead of yes; an empty answer cuts the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(pub(super) Vec<(&'static str, &'static str)>);

/// The running server; it ends with the test's runtime.
pub(super) struct SmtpServer {
    pub(super) address: String,
    accepted: Arc<Mutex<Vec<Accepted>>>,
    commands: Arc<Mutex<Vec<String>>>,
}

impl SmtpServer {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap().to_string(),
            accepted: Arc::default(),
            commands: Arc::default(),
        };
        let (accepted, commands) = (Arc::clone(&server.accepted), Arc::clone(&server.commands));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = serve(stream, &script, &accepted, &commands).await;
            }
        });
        server
    }

    pub(super) fn accepted(&self) -> Vec<Accepted> {
        self.accepted.lock().unwrap().clone()
    }

    /// The first words of the commands of all connections.
    pub(super) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    script: &Script,
    accepted: &Mutex<Vec<Accepted>>,
    commands: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut mail = Accepted::default();
    let told = |step: &str| script.0.iter().find(|(at, _)| *at == step).map(|(_, answer)| *answer);
    let mut answer = told("GREETING").unwrap_or("220 fake ESMTP").to_owned();
    loop {
        if answer.is_empty() {
            return Ok(());
        }
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb: String = line.chars().take_while(|c| c.is_ascii_alphabetic()).collect::<String>().to_uppercase();
        commands.lock().unwrap().push(verb.clone());
        answer = match (told(&verb), verb.as_str()) {
            (Some(answer), _) => answer.to_owned(),
            (None, "EHLO") => "250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned(),
            (None, "AUTH") => "235 welcome".to_owned(),
            (None, "RCPT") => {
                mail.to.push(line.trim().trim_start_matches("RCPT TO:").trim_matches(['<', '>']).to_owned());
                "250 ok".to_owned()
            }
            (None, "DATA") => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                read_data(&mut stream, &mut mail.data).await?;
                match told("END") {
                    Some(answer) => answer.to_owned(),
                    None => {
                        accepted.lock().unwrap().push(std::mem::take(&mut mail));
                        "250 queued".to_owned()
                    }
                }
            }
            (None, "QUIT") => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
    }
}

async fn read_data(stream: &mut BufReader<TcpStream>, data: &mut String) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(());
        }
        data.push_str(line.strip_prefix("..").map(|rest| format!(".{rest}")).as_deref().unwrap_or(&line));
    }
}
