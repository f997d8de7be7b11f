"""What the seeded fleet is made of: three bodies around Saint-Nazaire, their sites, cars and names.
Plausible, and nobody's."""

from typing import Final, NamedTuple


class SiteSeed(NamedTuple):
    """A site of `body` (index into BODIES); position in degrees."""

    body: int
    name: str
    address: str
    lat: float
    lon: float
    radius_m: int


class ModelSeed(NamedTuple):
    """A model of car: tank in ml (0 for electric), ml a kilometre, how its start is inhibited, how many of
    it in ten."""

    make: str
    model: str
    energy: str
    seats: int
    tank_ml: int
    ml_per_km: int
    interlock_kind: str
    key_holder_fitted: int
    weight: int
    battery_wh: int | None = None
    consumption_wh_per_km: int | None = None
    charge_w: int | None = None


BODIES: Final = (
    "Ville de Saint-Nazaire",
    "Saint-Nazaire Agglomération",
    "Services de l'État en Loire-Atlantique",
)
CARS_PER_BODY: Final = (30, 24, 12)
PEOPLE_PER_BODY: Final = (220, 150, 80)
DEPARTMENTS: Final = (
    ("Espaces verts", "Urbanisme", "Écoles", "Sports", "Police municipale", "Culture", "Direction générale"),
    ("Eau et assainissement", "Déchets", "Transports", "Habitat", "Développement économique"),
    ("DDTM", "Éducation nationale", "Sous-préfecture"),
)
SITES: Final = (
    SiteSeed(0, "Hôtel de Ville", "Place François-Blancho, Saint-Nazaire", 47.2735, -2.2137, 150),
    SiteSeed(0, "Centre technique", "Rue du Plessis, Saint-Nazaire", 47.2812, -2.2389, 120),
    SiteSeed(
        1,
        "Siège de l'Agglomération",
        "Avenue du Commandant-l'Herminier, Saint-Nazaire",
        47.2716,
        -2.2046,
        120,
    ),
    SiteSeed(1, "Pôle Brière", "Rue de la Gare, Montoir-de-Bretagne", 47.3286, -2.1497, 150),
    SiteSeed(2, "Cité administrative", "Rue Vincent-Auriol, Saint-Nazaire", 47.2790, -2.2166, 100),
)
# The first three cars stand at the town hall and differ in how their start is inhibited: they are the ones
# simulated.
MODELS: Final = (
    ModelSeed("Renault", "Clio", "petrol", 5, 42_000, 58, "starter_wire", 1, 4),
    ModelSeed("Peugeot", "208", "petrol", 5, 44_000, 56, "start_button", 1, 2),
    ModelSeed("Renault", "Zoe", "electric", 5, 0, 0, "fob_supply", 0, 2, 52_000, 165, 7_400),
    ModelSeed("Citroën", "Berlingo", "diesel", 5, 50_000, 62, "starter_wire", 1, 1),
    ModelSeed("Renault", "Trafic", "diesel", 9, 80_000, 82, "starter_wire", 1, 1),
)
PURPOSES: Final = (
    "Réunion à Nantes",
    "Visite de chantier",
    "Formation",
    "Relevé sur site",
    "Réunion de service",
    "Rendez-vous usagers",
    "Livraison de matériel",
    "Contrôle",
    "Conseil municipal",
    "",
    "",
)
GIVEN_NAMES: Final = [
    "Anne",
    "Aurélie",
    "Baptiste",
    "Benoît",
    "Camille",
    "Cécile",
    "Chloé",
    "Christophe",
    "Claire",
    "Damien",
    "David",
    "Delphine",
    "Denis",
    "Élodie",
    "Émilie",
    "Erwan",
    "Fabien",
    "Fanny",
    "François",
    "Gaëlle",
    "Gilles",
    "Guillaume",
    "Gwenaëlle",
    "Hélène",
    "Hugo",
    "Inès",
    "Isabelle",
    "Jean",
    "Jérôme",
    "Julie",
    "Julien",
    "Karine",
    "Laëtitia",
    "Laurent",
    "Léa",
    "Loïc",
    "Lucie",
    "Ludovic",
    "Maël",
    "Manon",
    "Marc",
    "Marie",
    "Mathieu",
    "Mélanie",
    "Michel",
    "Morgane",
    "Nadia",
    "Nathalie",
    "Nicolas",
    "Nolwenn",
    "Olivier",
    "Pascal",
    "Patricia",
    "Philippe",
    "Pierre",
    "Rachid",
    "Romain",
    "Ronan",
    "Sandrine",
    "Sarah",
    "Sébastien",
    "Solène",
    "Sophie",
    "Stéphane",
    "Sylvie",
    "Thierry",
    "Thomas",
    "Valérie",
    "Vincent",
    "Yann",
    "Yves",
]
FAMILY_NAMES: Final = [
    "Allain",
    "Audrain",
    "Barbier",
    "Bernard",
    "Bertho",
    "Blanchard",
    "Bouvier",
    "Briand",
    "Chauvin",
    "Clavier",
    "Cochet",
    "Colin",
    "Cormier",
    "David",
    "Denis",
    "Deniaud",
    "Dubois",
    "Durand",
    "Évain",
    "Fournier",
    "Gautier",
    "Gérard",
    "Gicquel",
    "Giraud",
    "Guérin",
    "Guillet",
    "Guihard",
    "Hamon",
    "Hervé",
    "Huet",
    "Jagot",
    "Joubert",
    "Lambert",
    "Le-Bihan",
    "Le-Gall",
    "Le-Goff",
    "Leroux",
    "Leroy",
    "Mahé",
    "Marchand",
    "Martin",
    "Mercier",
    "Michel",
    "Monnier",
    "Moreau",
    "Morin",
    "Moyon",
    "Nicolas",
    "Olivier",
    "Perrin",
    "Petit",
    "Picaud",
    "Pineau",
    "Poirier",
    "Quilgars",
    "Renaud",
    "Richard",
    "Robin",
    "Rousseau",
    "Roux",
    "Rouxel",
    "Ruaud",
    "Salaün",
    "Simon",
    "Tessier",
    "Thomas",
    "Thuaud",
    "Vaillant",
    "Viaud",
    "Vigneron",
]
