//! An invented trust of some hundred pupils, other than those of `patterns/sample`.
//!
//! The engine was mended on what it missed here, so its figures are an upper bound.
//!
//! # Invariants
//! No forename stands twice with the same surname or the same half of one, so that a name means one pupil.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::random::Random;

/// One invented pupil.
#[derive(Clone)]
pub struct Pupil {
    pub forename: String,
    pub surname: String,
    pub known_as: String,
    pub middle: String,
    pub former: String,
    pub upn: String,
    pub born: String,
    pub form: String,
    /// Both words are everyday English.
    pub ordinary: bool,
}

impl Pupil {
    pub fn name(&self) -> String {
        format!("{} {}", self.forename, self.surname)
    }

    /// Both names are one word of plain letters.
    pub fn is_plain(&self) -> bool {
        !self.ordinary
            && [&self.forename, &self.surname]
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_alphabetic()))
    }
}

/// Forenames and surnames as they go together in one part of the world.
const CULTURES: &[(&str, &str)] = &[
    (
        "Harriet Edmund Imogen Rupert Beatrice Gareth Philippa Duncan Rosalind Clive Annabel Stuart Tabitha Leonard",
        "Ashworth Pemberton Thistlewood Bracegirdle Hollingsworth Tunnicliffe Ramsbottom Cholmondeley Entwistle Birtwhistle Wainwright Greenhalgh Smith Taylor",
    ),
    (
        "Rhys Angharad Iestyn Ffion Llŷr Nerys Gwilym Siân Emrys Cerys",
        "Llewellyn Gwyther Prydderch Bevan Cadwallader Morgans Tudur Bowen Pugh Ellis",
    ),
    (
        "Caoimhe Diarmuid Gráinne Cathal Aoife Ruairí Sinéad Fionn Niamh Órla",
        "Gallagher Mulcahy Ó'Briain Brennan Heffernan Kinsella Devlin Costello Dunphy Tierney",
    ),
    (
        "Zbigniew Małgorzata Wojciech Agnieszka Łucja Stanisław Kinga Bartosz Grażyna Radosław",
        "Wiśniewski Dąbrowska Wójcik Zieliński Woźniak Kozłowska Jabłoński Pawłowska Górski Sikora",
    ),
    (
        "Joaquim Beatriz Tomé Inês João Conceição Rui Matilde Simão Filipa",
        "Magalhães Gonçalves Queirós Tavares Figueira Sequeira Mourão Valadares Lobão Assunção",
    ),
    (
        "Íñigo Macarena Gonzalo Begoña Álvaro Rocío Fermín Nieves Ramón Paz",
        "Echeverría Ibáñez Montañés Villanueva Cárdenas Quiñones Peñalver Olmedo Zúñiga Carrasco",
    ),
    (
        "Jörg Käthe Günther Bärbel Sönke Wiebke Detlef Anneliese Rüdiger Gisela",
        "Schäfer Großmann Kühnel Böttcher Wäldchen Meißner Dörrenberg Vogelsang Strauß Hübner",
    ),
    (
        "Işıl Çağrı Gülşen Oğuz Şebnem Ümit Tuğba Doğukan Nazlı Barış",
        "Yıldız Öztürk Şahin Kılıç Gündoğdu Aydın Karaağaç Erdoğmuş Çetinkaya Akkaş",
    ),
    (
        "Søren Bjørg Håkon Astrid Jørn Ragnhild Åse Torbjørn Mikkel Freja",
        "Kjærgaard Ødegård Bøgh Lindqvist Ångström Nygård Sæther Høyer Thorvaldsen Bjørnsson",
    ),
    (
        "Zsófia Bálint Ágnes Gergő Réka Csaba Tünde Loránd Ildikó Ferenc",
        "Szűcs Vörös Kőszegi Hajdú Bodnár Szőke Györffy Lakatos Mészáros Kertész",
    ),
    (
        "Matěj Zdeňka Řehoř Ľubica Šimon Markéta Dušan Božena Vojtěch Jiřina",
        "Dvořáček Procházka Růžička Křížek Šťastný Blažek Havránek Žáček Kovaľ Sedláček",
    ),
    (
        "Muhammad Zainab Hamza Ayesha Bilal Mahnoor Usman Iqra Zubair Sumayyah",
        "Choudhury Rehman Siddiqui Qureshi Bhatti Chaudhry Mirza Akhtar Sheikh Iqbal",
    ),
    (
        "Aaradhya Vihaan Jyothika Pranav Harsimran Gurpreet Lakshmi Devansh Meenakshi Rohan",
        "Venkataraman Deshpande Mukherjee Chatterjee Sandhu Dhillon Krishnamurthy Banerjee Trivedi Acharya",
    ),
    (
        "Oluwaseun Chidinma Adébáyò Ngozi Ifeoluwa Chukwuemeka Temitope Obinna Yewande Kelechi",
        "Adeyemi Okonkwo Ogunlẹ́sí Nwachukwu Balogun Eze Afolabi Onyekachi Akinwande Olatunji",
    ),
    (
        "Kwabena Akosua Yaw Efua Kojo Abena Fiifi Adwoa Nana Esi",
        "Boateng Asante Owusu Agyemang Mensah Quartey Ofori Darko Ansah Amponsah",
    ),
    (
        "Nguyệt Phúc Thảo Đức Linh Quỳnh Tuấn Hiền Minh Dũng",
        "Nguyễn Trần Đặng Phạm Huỳnh Võ Bùi Đinh Lương Trịnh",
    ),
    (
        "Xiaoming Jiahui Zhiwei Yuxuan Haoran Meiling Junjie Siyu Tianyi Ruoxi",
        "Zheng Ouyang Huang Xu Liang Zhou Tang Feng Deng Cheung",
    ),
    (
        "Abdirahman Hodan Warsame Ifrah Liban Sagal Mahad Ayaan Guled Fartun",
        "Abdullahi Farah Jama Warfa Hersi Dirie Elmi Samatar Guleed Osman",
    ),
    (
        "Ștefan Ioana Răzvan Ancuța Mihăiță Denisa Cătălin Bogdan Roxana Ilinca",
        "Ionescu Țurcanu Brătianu Munteanu Lupașcu Dumitrescu Stănescu Moraru Vasilescu Ursu",
    ),
    (
        "Oleksandra Bohdan Yaryna Taras Solomiia Ostap Zlata Mykhailo Kateryna Danylo",
        "Shevchenko Kravchuk Lysenko Tymoshenko Hrytsenko Koval Melnyk Bondarenko Savchuk Petrenko",
    ),
];

/// Names that are hard in a way of their own: forename, surname, known as, middle names, former surname.
const SPECIAL: &str = "\
Amelia|O'Rourke|||
Declan|O'Shaughnessy||Patrick|
Ciara|O'Dowd|||
Fergus|O'Malley|||
Lorenzo|D'Angelo|||
Camille|L'Estrange|||
Renée|D'Arcy|||
Ngaire|N'Diaye|||
Ewan|McAllister-Reid|||
Catriona|McDonagh|||
Hamish|McIntyre||Ross|
Isla|McKenzie|||
Struan|McCrae|||
Flora|MacGregor|||
Angus|MacLeod|||
Morag|MacPherson|||
Lachlan|MacDougall|||
Saskia|van der Meer|||
Pieter|van den Broek|||
Annelies|de Vries|||
Matteo|della Valle|||
Sofia|de la Torre|||
Thiago|dos Santos|||
Karim|al-Masri|||
Yusra|el-Sayed|||
Omar|bin Faisal|||
Ludwig|von Hohenstein|||
Chiara|di Lorenzo|||
Sadiya|ud-Din|||
Arabella|Fitzroy-Clarke|||
Jemima|Carrington-Moss|||
Kwame|Asiedu-Poku|||
Lucinda|Barraclough-Webb|||
Tariq|Hussain-Malik|||
Priya|Nair-Thompson|||
Finlay|Abercrombie-Ward|||
Megan|Tremayne-Hughes|||
Zara|Lindholm-Baptiste|||
Anne-Marie|Pettigrew|||
Jean-Luc|Devereux|||
Mary-Kate|Sullivan|||
Lily-Mae|Hardcastle|||
Ellie-May|Ravenscroft|||
Alexander|Brocklebank|Xander|George|
Elizabeth|Thackeray|Betsy|Jane|
Benjamin|Fotheringham|Benji|Isaac|
Katherine|Oldershaw|Kitty|Mary Louise|
Theodore|Winstanley|Teddy|James Arthur|
Isabella|Crabtree|Izzy|Grace|
Nathaniel|Shuttleworth|Nate||Ogden
Francesca|Butterworth|Frankie||Marchetti
Sebastian|Higginbottom|Seb||Kowal
Gabriella|Lovelace|Gabby||Fontaine
Samuel|Arkwright||David|Braithwaite
Charlotte|Dewhurst||Emily Rose|Hargreaves
Thomas|James|||
Jordan|Lewis|||
Owen|Ryan|||
Martin|George|||
Kelly|Alexander|||
Jada|St. Clair|||
Curtis|St John|||
Rafael|Herrera Castillo|||
Lucía|Ortega Blanco|||
Jasleen|Kaur Bains|||
Manveer|Singh Gahunia|||
Zoë|Brontë|||
Chloë|Fenwick-Søby|||
François|Lefèvre|||
Benoît|Châtelain|||
Anaïs|Æthelred|||
Þóra|Guðmundsdóttir|||
Sunniva|Grønnesby|||
Bo|Yi|||
Li|Wu|||
Al|Kay|||
";

/// Names whose both words are everyday English.
const ORDINARY: &str = "\
Grace Field|Jack Frost|Hope Winter|Daisy Meadows|Mark Bishop|Dawn Rivers|Bill Banks|Rose Bush|Will Power|Faith Church|\
Ivy Wall|Robin Wood|Drew Long|Rich Cook|Summer Day|Jade Stone|Art Best|Olive Branch|Chase Street|Autumn Lane";

/// Everybody: the same in every run.
pub fn pupils() -> Vec<Pupil> {
    let mut random = Random::of("people");
    let mut taken = HashSet::new();
    let mut all = Vec::new();
    let mut add =
        |random: &mut Random, forename: &str, surname: &str, rest: [&str; 3], ordinary| {
            let mut keys = vec![(folded(forename), folded(surname))];
            for half in surname.split(['-', ' ']) {
                keys.push((folded(forename), folded(half)));
            }
            if keys.iter().any(|key| taken.contains(key)) {
                return;
            }
            taken.extend(keys);
            let number = all.len();
            all.push(Pupil {
                forename: forename.to_owned(),
                surname: surname.to_owned(),
                known_as: rest[0].to_owned(),
                middle: rest[1].to_owned(),
                former: rest[2].to_owned(),
                upn: crate::identifiers::upn(random),
                born: format!(
                    "{:02}/{:02}/{}",
                    1 + random.below(28),
                    1 + random.below(12),
                    2009 + random.below(9)
                ),
                form: format!("{}{}", 1 + number % 13, ["K", "M", "R", "T"][number % 4]),
                ordinary,
            });
        };
    for line in SPECIAL.lines() {
        let cells: Vec<&str> = line.split('|').collect();
        add(
            &mut random,
            cells[0],
            cells[1],
            [cells[2], cells[3], cells[4]],
            false,
        );
    }
    for name in ORDINARY.split('|') {
        let (forename, surname) = name.split_once(' ').unwrap_or_default();
        add(&mut random, forename, surname, ["", "", ""], true);
    }
    for (forenames, surnames) in CULTURES {
        let forenames: Vec<&str> = forenames.split(' ').collect();
        let surnames: Vec<&str> = surnames.split(' ').collect();
        for round in 0..2 {
            for (index, forename) in forenames.iter().enumerate() {
                let surname = surnames[(index * 3 + round * 5 + 1) % surnames.len()];
                let middle = if index % 2 == 0 {
                    forenames[(index + 3) % forenames.len()]
                } else {
                    ""
                };
                add(&mut random, forename, surname, ["", middle, ""], false);
            }
        }
    }
    all
}

/// The roster as a school's system exports it.
pub fn roster_csv(pupils: &[Pupil]) -> String {
    let mut out = String::from(
        "UPN,Legal Surname,Legal Forename,Preferred Forename,Middle Names,Former Surname,Date of Birth,Year,Reg,School\n",
    );
    for p in pupils {
        let year = p.form.trim_end_matches(char::is_alphabetic);
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{year},{},Larkrise School",
            p.upn, p.surname, p.forename, p.known_as, p.middle, p.former, p.born, p.form
        );
    }
    out
}

/// Staff: some share a pupil's name.
pub const STAFF: &str = "\
Title,Forename,Surname,Email,School,Role
Mrs,Harriet,Osgood,hosgood@larkrise.example,Larkrise School,Teacher of Music
Mr,Edmund,Prendergast,eprendergast@larkrise.example,Larkrise School,Head of Year 9
Ms,Philippa,Lockyer,plockyer@larkrise.example,Larkrise School,Office
Mr,Owen,Ryan,oryan@larkrise.example,Larkrise School,Teacher of PE
Mrs,Isla,McKenzie,imckenzie@larkrise.example,Larkrise School,SENCO
Dr,Yaw,Boakye,yboakye@larkrise.example,Larkrise School,Headteacher
";

/// Letters as a person compares names: no case, no marks, letters only.
pub fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            'ø' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            'ı' => 'i',
            c => c,
        })
        .collect()
}
