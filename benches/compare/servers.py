"""The servers of the comparison, each with its configuration, and the sign-ins that two of them need."""
import html
import http.cookiejar
import os
import re
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from processes import RELEASE, free_port, run, write

ENTITY_ID = "https://idp.acme.example/simplesamlphp"


@dataclass
class Server:
    name: str
    url: str
    pid: int
    headers: list = field(default_factory=list)


def nginx(home, name, core, port, server):
    folder = os.path.join(home, name)
    conf = write(f"{folder}/nginx.conf", f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; keepalive_requests 100000000; default_type text/plain;
            client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
            uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
            {server}
        }}""")
    return run(core, ["nginx", "-e", f"{folder}/error.log", "-c", conf], port)


def app(home):
    """The app behind: static files of two sizes, on the load generator's core."""
    port = free_port()
    for name, size in (("1k", 1024), ("64k", 65536)):
        write(f"{home}/app/files/{name}", "x" * size)
    return port, nginx(home, "app", 1, port, f"server {{ listen 127.0.0.1:{port} backlog=1024; root {home}/app/files; }}")


def identity_provider(home, providers):
    """SimpleSAMLphp with these service providers: pairs of entity ID and ACS URL."""
    port, at = free_port(), f"{home}/idp"
    for folder in ("cert", "log", "data", "tmp"):
        os.makedirs(f"{at}/{folder}")
    key_pair(f"{at}/cert/idp", "idp.acme.example")
    write(f"{at}/config/config.php", f"""<?php $config = ['baseurlpath' => 'http://127.0.0.1:{port}/',
        'certdir' => '{at}/cert/', 'loggingdir' => '{at}/log/', 'datadir' => '{at}/data/', 'tempdir' => '{at}/tmp',
        'metadatadir' => '{at}/metadata', 'metadata.sources' => [['type' => 'flatfile', 'directory' => '{at}/metadata']],
        'secretsalt' => 'for tests alone', 'auth.adminpassword' => 'for tests alone', 'technicalcontact_name' => 'Nobody',
        'technicalcontact_email' => 'nobody@acme.example', 'timezone' => 'UTC', 'logging.handler' => 'file',
        'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
        'store.type' => 'phpsession', 'session.phpsession.savepath' => '{at}/data', 'session.cookie.secure' => false,
        'session.cookie.samesite' => null];""")
    write(f"{at}/config/authsources.php", """<?php $config = ['people' => ['exampleauth:UserPass', 'ada:secret' => [
        'uid' => ['ada'], 'email' => ['ada@acme.example'], 'givenName' => ['Ada'], 'sn' => ['Lovelace']]]];""")
    write(f"{at}/metadata/saml20-idp-hosted.php", f"""<?php $metadata['{ENTITY_ID}'] = ['host' => '__DEFAULT__',
        'auth' => 'people', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt'];""")
    write(f"{at}/metadata/saml20-sp-remote.php", "<?php " + "".join(
        f"$metadata['{entity}'] = ['AssertionConsumerService' => '{acs}', 'saml20.sign.assertion' => true];"
        for entity, acs in providers))
    process = run(1, ["php", "-d", "error_reporting=0", "-S", f"127.0.0.1:{port}", "-t", "/usr/share/simplesamlphp/www"],
                  port, env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": f"{at}/config"},
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metadata = urllib.request.urlopen(f"http://127.0.0.1:{port}/saml2/idp/metadata.php").read().decode()
    return write(f"{at}/metadata.xml", metadata), process


def key_pair(path, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-keyout", f"{path}.key", "-out", f"{path}.crt"], check=True, capture_output=True)


def sign_in(start, cookie_name):
    """Walks through the IdP's pages as Ada; gives the cookie header of the session."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(start)
    for fill in ({"username": "ada", "password": "secret"}, {}):
        text = page.read().decode()
        form = re.search(r"<form.*?</form>", text, re.S).group(0)
        action = html.unescape(re.search(r'action="([^"]*)"', form).group(1))
        fields = {}
        for tag in re.findall(r"<input[^>]*>", form):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                fields[name.group(1)] = html.unescape(value.group(1)) if value else ""
        body = urllib.parse.urlencode({**fields, **fill}).encode()
        page = browser.open(urllib.parse.urljoin(page.url, action), body)
    for cookie in jar:
        if cookie.name == cookie_name:
            return f"Cookie: {cookie.name}={cookie.value}"
    raise SystemExit(f"no session at {start}: {page.status} {page.read()[:2000]}")


def mellon(home, port, app_port, metadata):
    folder = f"{home}/mellon"
    os.makedirs(f"{folder}/run")
    key_pair(f"{folder}/sp", "mellon")
    modules = "/usr/lib/apache2/modules"
    names = {"mpm_event": "mpm_event", "authz_core": "authz_core", "authn_core": "authn_core", "authz_user": "authz_user",
             "auth_mellon": "auth_mellon", "proxy": "proxy", "proxy_http": "proxy_http", "headers": "headers"}
    load = "\n".join(f"LoadModule {name}_module {modules}/mod_{file}.so" for name, file in names.items())
    conf = write(f"{folder}/apache.conf", f"""
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{load}
PidFile {folder}/run/pid
DefaultRuntimeDir {folder}/run
ErrorLog {folder}/error.log
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MaxRequestWorkers 32
MaxSpareThreads 32
MaxKeepAliveRequests 0
KeepAliveTimeout 60
MellonCacheSize 100
MellonLockFile {folder}/run/lock
MellonPostDirectory {folder}/run
<Location />
  MellonEnable auth
  MellonEndpointPath /mellon
  MellonSecureCookie Off
  MellonSPPrivateKeyFile {folder}/sp.key
  MellonSPCertFile {folder}/sp.crt
  MellonIdPMetadataFile {metadata}
  RequestHeader set X-Email %{{MELLON_email}}e
  ProxyPass http://127.0.0.1:{app_port}/
</Location>
""")
    subprocess.run(["chmod", "-R", "a+rX", home], check=True)
    subprocess.run(["chmod", "777", f"{folder}/run"], check=True)
    return run(0, ["apache2", "-f", conf, "-DFOREGROUND"], port)


def vestibule(home, port, app_port, metadata):
    folder = f"{home}/vestibule"
    conf = write(f"{folder}/vestibule.toml", f"""
public_url = "http://127.0.0.1:{port}"
threads = 1
[listen]
proxy = "127.0.0.1:{port}"
ops = "127.0.0.1:{free_port()}"
[store]
path = "data"
[[upstream]]
name = "app"
addresses = ["127.0.0.1:{app_port}"]
[log]
level = "warn"
""")
    binary = os.path.join(RELEASE, "vestibule")
    process = run(0, [binary, "serve", "--config", conf], port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for command in (["org", "create", "acme", "--name", "Acme"], ["org", "set", "acme", "idp_managed_access=true"],
                    ["domain", "claim", "acme", "acme.example", "--trusted"],
                    ["sso", "set", "acme", "--metadata", metadata]):
        subprocess.run([binary, *command, "--config", conf], check=True, stdout=subprocess.DEVNULL)
    return process


def start(home, wanted):
    ports = {name: free_port() for name in ("bare", "headers", "nginx", "mellon", "vestibule")}
    url = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    os.chmod(home, 0o755)
    app_port, app_process = app(home)
    metadata, idp = identity_provider(home, [
        (f"{url['vestibule']}/.vestibule/saml/acme/metadata", f"{url['vestibule']}/.vestibule/saml/acme/acs"),
        (f"{url['mellon']}/mellon/metadata", f"{url['mellon']}/mellon/postResponse"),
    ])
    started, tested = [app_process, idp], []

    def add(name, process, address, headers=()):
        started.append(process)
        tested.append(Server(name, address, process.pid, list(headers)))

    def asked(name):
        return not wanted or name in wanted

    if asked("bare pingora"):
        add("bare pingora", run(0, [f"{RELEASE}/examples/bare_proxy", f"127.0.0.1:{ports['bare']}",
                                    f"127.0.0.1:{app_port}"], ports["bare"]), url["bare"])
    if asked("with its headers"):
        add("with its headers", run(0, [f"{RELEASE}/examples/bare_proxy", f"127.0.0.1:{ports['headers']}",
                                        f"127.0.0.1:{app_port}", "headers"], ports["headers"]), url["headers"])
    if asked("nginx"):
        add("nginx", nginx(home, "proxy", 0, ports["nginx"], f"""
            upstream app {{ server 127.0.0.1:{app_port}; keepalive 64; keepalive_requests 100000000; }}
            server {{ listen 127.0.0.1:{ports['nginx']} backlog=1024;
                location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
                    proxy_set_header X-Forwarded-For $remote_addr; }} }}"""), url["nginx"])
    if asked("mod_auth_mellon"):
        process = mellon(home, ports["mellon"], app_port, metadata)
        add("mod_auth_mellon", process, url["mellon"], [sign_in(f"{url['mellon']}/1k", "mellon-cookie")])
    if asked("Vestibule"):
        process = vestibule(home, ports["vestibule"], app_port, metadata)
        cookie = sign_in(f"{url['vestibule']}/.vestibule/sso/acme?return_to=/1k", "vestibule")
        add("Vestibule", process, url["vestibule"], [cookie])
    return started, tested
